"""Images as patches: transformers, mixers, and what stands between them and convolutions."""
import math

import torch
from torch import nn
from torch.nn import functional as F

from cases import classifier
from vision import conv_bn

SHAPE = (3, 3, 16, 16)


class Mlp(nn.Module):
    def __init__(self, d, h=None, act=nn.GELU):
        super().__init__()
        self.fc1, self.act, self.fc2 = nn.Linear(d, h or 2 * d), act(), nn.Linear(h or 2 * d, d)

    def forward(self, x):
        return self.fc2(self.act(self.fc1(x)))


class Attention(nn.Module):
    """timm's, written out or fused."""

    def __init__(self, d, heads=2, fused=False, qk_norm=False, bias=True):
        super().__init__()
        self.heads, self.scale, self.fused = heads, (d // heads) ** -0.5, fused
        self.qkv, self.proj = nn.Linear(d, d * 3, bias=bias), nn.Linear(d, d)
        self.q_norm, self.k_norm = (nn.LayerNorm(d // heads), nn.LayerNorm(d // heads)) if qk_norm else (nn.Identity(), nn.Identity())

    def forward(self, x):
        b, n, c = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        q, k = self.q_norm(q), self.k_norm(k)
        if self.fused:
            x = F.scaled_dot_product_attention(q, k, v)
        else:
            x = (q * self.scale @ k.transpose(-2, -1)).softmax(dim=-1) @ v
        return self.proj(x.transpose(1, 2).reshape(b, n, c))


class LayerScale(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.gamma = nn.Parameter(0.1 * torch.ones(d))

    def forward(self, x):
        return x * self.gamma


class Block(nn.Module):
    def __init__(self, d, mixer, scale=False):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(d, eps=1e-6), nn.LayerNorm(d, eps=1e-6)
        self.attn, self.mlp = mixer, Mlp(d)
        self.ls1, self.ls2 = (LayerScale(d), LayerScale(d)) if scale else (nn.Identity(), nn.Identity())

    def forward(self, x):
        x = x + self.ls1(self.attn(self.norm1(x)))
        return x + self.ls2(self.mlp(self.norm2(x)))


class Vit(nn.Module):
    def __init__(self, d=12, fused=False, tokens=1, pool="token", scale=False, qk_norm=False, classes=5):
        super().__init__()
        self.patch = nn.Conv2d(3, d, 4, 4)
        self.tokens, self.pool = tokens, pool
        self.cls = nn.Parameter(torch.randn(1, max(tokens, 1), d) * 0.1)
        self.pos = nn.Parameter(torch.randn(1, 16 + tokens, d) * 0.1)
        self.blocks = nn.Sequential(*(Block(d, Attention(d, 2, fused, qk_norm), scale) for _ in range(2)))
        self.norm, self.head, self.dist = nn.LayerNorm(d), nn.Linear(d, classes), nn.Linear(d, classes)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        if self.tokens:
            x = torch.cat([self.cls.expand(x.shape[0], -1, -1), x], dim=1)
        x = self.norm(self.blocks(x + self.pos))
        if self.pool == "token":
            y = self.head(x[:, 0])
            return (y + self.dist(x[:, 1])) / 2 if self.tokens == 2 else y + self.dist(x[:, 0]).mean() * 0
        return self.head(x.mean(1)) + self.dist(x.amax(1))


classifier("vit", Vit, SHAPE)
classifier("vit_fused", lambda: Vit(fused=True, scale=True), SHAPE)
classifier("vit_mean", lambda: Vit(tokens=0, pool="mean", qk_norm=True), SHAPE)
classifier("deit_distilled", lambda: Vit(tokens=2), SHAPE)


class TorchVit(nn.Module):
    """torchvision's: nn.MultiheadAttention within, the patches by reshape."""

    def __init__(self, d=12):
        super().__init__()
        self.conv_proj = nn.Conv2d(3, d, 4, 4)
        self.class_token = nn.Parameter(torch.randn(1, 1, d) * 0.1)
        self.pos_embedding = nn.Parameter(torch.randn(1, 17, d) * 0.1)
        self.ln1, self.ln2, self.attention, self.mlp, self.head = nn.LayerNorm(d), nn.LayerNorm(d), nn.MultiheadAttention(d, 3, batch_first=True), Mlp(d), nn.Linear(d, 5)

    def forward(self, x):
        n = x.shape[0]
        x = self.conv_proj(x).reshape(n, 12, 16).permute(0, 2, 1)
        x = torch.cat([self.class_token.expand(n, -1, -1), x], dim=1) + self.pos_embedding
        y = self.ln1(x)
        y, _ = self.attention(y, y, y, need_weights=False)
        x = x + y
        return self.head((x + self.mlp(self.ln2(x)))[:, 0])


classifier("vit_torchvision", TorchVit, SHAPE)
class Encoded(nn.Module):
    def __init__(self, norm_first):
        super().__init__()
        self.patch = nn.Conv2d(3, 12, 4, 4)
        layer = nn.TransformerEncoderLayer(12, 2, 24, batch_first=True, activation="gelu", norm_first=norm_first)
        self.encoder, self.head = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), nn.Linear(12, 5)

    def forward(self, x):
        return self.head(self.encoder(self.patch(x).flatten(2).transpose(1, 2)).mean(1))


classifier("encoder_post", lambda: Encoded(False), SHAPE)
classifier("encoder_pre", lambda: Encoded(True), SHAPE)


class TalkingHeads(nn.Module):
    """CaiT."""

    def __init__(self, d=12, h=3):
        super().__init__()
        self.h, self.scale = h, (d // h) ** -0.5
        self.qkv, self.proj, self.proj_l, self.proj_w = nn.Linear(d, 3 * d), nn.Linear(d, d), nn.Linear(h, h), nn.Linear(h, h)

    def forward(self, x):
        b, n, c = x.shape
        qkv = self.qkv(x).reshape(b, n, 3, self.h, c // self.h).permute(2, 0, 3, 1, 4)
        q, k, v = qkv[0] * self.scale, qkv[1], qkv[2]
        a = self.proj_l((q @ k.transpose(-2, -1)).permute(0, 2, 3, 1)).permute(0, 3, 1, 2).softmax(dim=-1)
        a = self.proj_w(a.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return self.proj((a @ v).transpose(1, 2).reshape(b, n, c))


class ClassAttention(nn.Module):
    def __init__(self, d=12, h=3):
        super().__init__()
        self.h, self.q, self.k, self.v, self.proj = h, nn.Linear(d, d), nn.Linear(d, d), nn.Linear(d, d), nn.Linear(d, d)

    def forward(self, x):
        b, n, c = x.shape
        q = self.q(x[:, 0]).unsqueeze(1).reshape(b, 1, self.h, c // self.h).permute(0, 2, 1, 3)
        k = self.k(x).reshape(b, n, self.h, c // self.h).permute(0, 2, 1, 3)
        v = self.v(x).reshape(b, n, self.h, c // self.h).permute(0, 2, 1, 3)
        return self.proj((q @ k.transpose(-2, -1)).softmax(-1).matmul(v).transpose(1, 2).reshape(b, 1, c))


class Cait(nn.Module):
    def __init__(self, d=12):
        super().__init__()
        self.patch, self.cls = nn.Conv2d(3, d, 4, 4), nn.Parameter(torch.randn(1, 1, d))
        self.blocks, self.norm, self.attn, self.gamma, self.head = Block(d, TalkingHeads(d), True), nn.LayerNorm(d), ClassAttention(d), nn.Parameter(torch.ones(d) * 0.3), nn.Linear(d, 5)

    def forward(self, x):
        x = self.blocks(self.patch(x).flatten(2).transpose(1, 2))
        cls = self.cls.expand(x.shape[0], -1, -1)
        cls = cls + self.gamma * self.attn(self.norm(torch.cat((cls, x), dim=1)))
        return self.head(torch.cat((cls, x), dim=1)[:, 0])


classifier("cait", Cait, SHAPE)


def relative_index(h, w):
    at = torch.stack(torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")).flatten(1)
    rel = (at[:, :, None] - at[:, None, :]).permute(1, 2, 0).contiguous()
    rel[:, :, 0] += h - 1
    rel[:, :, 1] += w - 1
    rel[:, :, 0] *= 2 * w - 1
    return rel.sum(-1)


class BeitAttention(nn.Module):
    """Relative positions, biases of q and v alone."""

    def __init__(self, d=12, heads=2, window=(4, 4)):
        super().__init__()
        self.heads = heads
        self.qkv, self.q_bias, self.v_bias, self.proj = nn.Linear(d, 3 * d, bias=False), nn.Parameter(torch.zeros(d)), nn.Parameter(torch.zeros(d)), nn.Linear(d, d)
        self.register_buffer("k_bias", torch.zeros(d), persistent=False)
        self.table = nn.Parameter(torch.randn((2 * window[0] - 1) * (2 * window[1] - 1), heads) * 0.1)
        self.register_buffer("index", relative_index(*window))

    def forward(self, x):
        b, n, c = x.shape
        qkv = F.linear(x, self.qkv.weight, torch.cat((self.q_bias, self.k_bias, self.v_bias)))
        q, k, v = qkv.reshape(b, n, 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
        bias = self.table[self.index.view(-1)].view(n, n, -1).permute(2, 0, 1).contiguous().unsqueeze(0)
        a = ((q * (c // self.heads) ** -0.5) @ k.transpose(-2, -1) + bias).softmax(dim=-1)
        return self.proj((a @ v).transpose(1, 2).reshape(b, n, c))


class Patches(nn.Module):
    """Patches through blocks of tokens, their mean to the head."""

    def __init__(self, d, *blocks):
        super().__init__()
        self.patch, self.blocks, self.norm, self.head = nn.Conv2d(3, d, 4, 4), nn.Sequential(*blocks), nn.LayerNorm(d), nn.Linear(d, 5)

    def forward(self, x):
        return self.head(self.norm(self.blocks(self.patch(x).flatten(2).transpose(1, 2))).mean(dim=1))


classifier("beit", lambda: Patches(12, Block(12, BeitAttention(), True)), SHAPE)


class WindowAttention(nn.Module):
    """Swin's: windows, a cyclic shift, and a mask where the shift wrapped."""

    def __init__(self, d=8, heads=2, size=8, window=4, shift=0, v2=False):
        super().__init__()
        self.d, self.heads, self.size, self.window, self.shift, self.v2 = d, heads, size, window, shift, v2
        self.qkv, self.proj = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.register_buffer("index", relative_index(window, window))
        if v2:
            self.logit_scale = nn.Parameter(torch.log(10 * torch.ones((heads, 1, 1))))
            self.cpb = nn.Sequential(nn.Linear(2, 8), nn.ReLU(inplace=True), nn.Linear(8, heads, bias=False))
            r = torch.arange(-(window - 1), window, dtype=torch.float32)
            table = torch.stack(torch.meshgrid([r, r], indexing="ij")).permute(1, 2, 0).unsqueeze(0) / (window - 1) * 8
            self.register_buffer("coords", torch.sign(table) * torch.log2(table.abs() + 1.0) / math.log2(8))
        else:
            self.table = nn.Parameter(torch.randn((2 * window - 1) ** 2, heads) * 0.1)
        mask = torch.zeros(1, size, size, 1)
        if shift:
            cuts = (slice(0, -window), slice(-window, -shift), slice(-shift, None))
            for k, (a, b) in enumerate((a, b) for a in cuts for b in cuts):
                mask[:, a, b] = k
        parts = mask.view(1, size // window, window, size // window, window, 1).permute(0, 1, 3, 2, 4, 5).reshape(-1, window * window)
        rel = parts.unsqueeze(1) - parts.unsqueeze(2)
        self.register_buffer("mask", rel.masked_fill(rel != 0, -100.0).masked_fill(rel == 0, 0.0))

    def forward(self, x):
        b, n, c = x.shape
        s, w, h = self.size, self.window, self.heads
        x = x.view(b, s, s, c)
        if self.shift:
            x = torch.roll(x, shifts=(-self.shift, -self.shift), dims=(1, 2))
        x = x.view(b, s // w, w, s // w, w, c).permute(0, 1, 3, 2, 4, 5).contiguous().view(-1, w * w, c)
        q, k, v = self.qkv(x).reshape(-1, w * w, 3, h, c // h).permute(2, 0, 3, 1, 4).unbind(0)
        if self.v2:
            a = F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1)
            a = a * torch.clamp(self.logit_scale, max=math.log(1.0 / 0.01)).exp()
            bias = 16 * torch.sigmoid(self.cpb(self.coords).view(-1, h)[self.index.view(-1)].view(w * w, w * w, -1).permute(2, 0, 1).contiguous())
        else:
            a = (q * (c // h) ** -0.5) @ k.transpose(-2, -1)
            bias = self.table[self.index.view(-1)].view(w * w, w * w, -1).permute(2, 0, 1).contiguous()
        a = a + bias.unsqueeze(0)
        if self.shift:
            m = self.mask.shape[0]
            a = (a.view(-1, m, h, w * w, w * w) + self.mask.unsqueeze(1).unsqueeze(0)).view(-1, h, w * w, w * w)
        x = self.proj((a.softmax(-1) @ v).transpose(1, 2).reshape(-1, w * w, c))
        x = x.view(-1, s // w, s // w, w, w, c).permute(0, 1, 3, 2, 4, 5).contiguous().view(-1, s, s, c)
        if self.shift:
            x = torch.roll(x, shifts=(self.shift, self.shift), dims=(1, 2))
        return x.view(b, n, c)


class Merge(nn.Module):
    def __init__(self, d, size):
        super().__init__()
        self.size, self.norm, self.reduction = size, nn.LayerNorm(4 * d), nn.Linear(4 * d, 2 * d, bias=False)

    def forward(self, x):
        b, n, c = x.shape
        x = x.view(b, self.size, self.size, c)
        x = torch.cat([x[:, 0::2, 0::2, :], x[:, 1::2, 0::2, :], x[:, 0::2, 1::2, :], x[:, 1::2, 1::2, :]], -1)
        return self.reduction(self.norm(x.view(b, -1, 4 * c)))


class Swin(nn.Module):
    def __init__(self, v2=False):
        super().__init__()
        self.patch = nn.Conv2d(3, 8, 2, 2)
        self.blocks = nn.Sequential(Block(8, WindowAttention(v2=v2)), Block(8, WindowAttention(shift=2, v2=v2)), Merge(8, 8), Block(16, WindowAttention(16, size=4, v2=v2)))
        self.norm, self.head = nn.LayerNorm(16), nn.Linear(16, 5)

    def forward(self, x):
        x = self.norm(self.blocks(self.patch(x).flatten(2).transpose(1, 2)))
        return self.head(F.adaptive_avg_pool1d(x.transpose(1, 2), 1).flatten(1))


classifier("swin", Swin, SHAPE)
classifier("swin_v2", lambda: Swin(True), SHAPE)


class LayerNorm2d(nn.LayerNorm):
    def forward(self, x):
        return F.layer_norm(x.permute(0, 2, 3, 1), self.normalized_shape, self.weight, self.bias, self.eps).permute(0, 3, 1, 2)


class ConvNextBlock(nn.Module):
    def __init__(self, d, grn=False):
        super().__init__()
        self.dw, self.norm, self.fc1, self.fc2 = nn.Conv2d(d, d, 7, padding=3, groups=d), nn.LayerNorm(d, eps=1e-6), nn.Linear(d, 3 * d), nn.Linear(3 * d, d)
        self.gamma = None if grn else nn.Parameter(torch.ones(d) * 0.2)
        self.grn = nn.ParameterList([torch.zeros(1, 1, 1, 3 * d), torch.zeros(1, 1, 1, 3 * d)]) if grn else None

    def forward(self, x):
        y = F.gelu(self.fc1(self.norm(self.dw(x).permute(0, 2, 3, 1))))
        if self.grn is not None:
            gx = torch.norm(y, p=2, dim=(1, 2), keepdim=True)
            y = self.grn[0] * (y * (gx / (gx.mean(dim=-1, keepdim=True) + 1e-6))) + self.grn[1] + y
        y = self.fc2(y)
        return x + (y if self.gamma is None else self.gamma * y).permute(0, 3, 1, 2)


for grn in (False, True):
    classifier("convnext_v2" if grn else "convnext", lambda grn=grn: nn.Sequential(
        nn.Conv2d(3, 6, 4, 4), LayerNorm2d(6), ConvNextBlock(6, grn), LayerNorm2d(6), nn.Conv2d(6, 8, 2, 2), ConvNextBlock(8, grn),
        nn.AdaptiveAvgPool2d(1), LayerNorm2d(8), nn.Flatten(1), nn.Linear(8, 5)), (3, 3, 32, 32))


class MixerBlock(nn.Module):
    def __init__(self, d=12, n=16):
        super().__init__()
        self.norm1, self.norm2, self.tokens, self.channels = nn.LayerNorm(d), nn.LayerNorm(d), Mlp(n), Mlp(d)

    def forward(self, x):
        x = x + self.tokens(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.channels(self.norm2(x))


class Gating(nn.Module):
    """gMLP's spatial gate."""

    def __init__(self, d=12, n=16):
        super().__init__()
        self.norm, self.fc1, self.gate_norm, self.proj, self.fc2 = nn.LayerNorm(d), nn.Linear(d, 4 * d), nn.LayerNorm(2 * d), nn.Linear(n, n), nn.Linear(2 * d, d)

    def forward(self, x):
        u, v = F.gelu(self.fc1(self.norm(x))).chunk(2, dim=-1)
        v = self.proj(self.gate_norm(v).transpose(-1, -2)).transpose(-1, -2)
        return x + self.fc2(u * v)


class ResMlp(nn.Module):
    def __init__(self, d=12, n=16):
        super().__init__()
        self.alpha, self.beta = nn.Parameter(torch.ones(1, 1, d)), nn.Parameter(torch.zeros(1, 1, d))
        self.linear, self.mlp, self.ls1, self.ls2 = nn.Linear(n, n), Mlp(d), nn.Parameter(1e-1 * torch.ones(d)), nn.Parameter(1e-1 * torch.ones(d))

    def forward(self, x):
        y = torch.addcmul(self.beta, self.alpha, x)
        x = x + self.ls1 * self.linear(y.transpose(1, 2)).transpose(1, 2)
        return x + self.ls2 * self.mlp(torch.addcmul(self.beta, self.alpha, x))


classifier("mlp_mixer", lambda: Patches(12, MixerBlock(), MixerBlock()), SHAPE)
classifier("gmlp", lambda: Patches(12, Gating(), Gating()), SHAPE)
classifier("resmlp", lambda: Patches(12, ResMlp(), ResMlp()), SHAPE)


class PoolBlock(nn.Module):
    """PoolFormer: the mixer is an average pool less the image itself."""

    def __init__(self, c):
        super().__init__()
        self.norm1, self.norm2, self.pool = nn.GroupNorm(1, c), nn.GroupNorm(1, c), nn.AvgPool2d(3, 1, 1, count_include_pad=False)
        self.mlp, self.ls = nn.Sequential(nn.Conv2d(c, 2 * c, 1), nn.GELU(), nn.Conv2d(2 * c, c, 1)), nn.Parameter(torch.ones(c) * 0.1)

    def forward(self, x):
        y = self.norm1(x)
        x = x + self.ls.unsqueeze(-1).unsqueeze(-1) * (self.pool(y) - y)
        return x + self.ls.view(1, -1, 1, 1) * self.mlp(self.norm2(x))


classifier("poolformer", lambda: nn.Sequential(nn.Conv2d(3, 8, 7, 4, 2), PoolBlock(8), PoolBlock(8), LayerNorm2d(8), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)), (3, 3, 32, 32))


class Xca(nn.Module):
    """XCiT: attention between channels."""

    def __init__(self, d=12, h=2):
        super().__init__()
        self.h, self.temperature, self.qkv, self.proj = h, nn.Parameter(torch.ones(h, 1, 1)), nn.Linear(d, 3 * d), nn.Linear(d, d)

    def forward(self, x):
        b, n, c = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, self.h, c // self.h).permute(2, 0, 3, 4, 1).unbind(0)
        a = (F.normalize(q, p=2.0, dim=-1) @ F.normalize(k, p=2.0, dim=-1).transpose(-2, -1)) * self.temperature
        return self.proj((a.softmax(dim=-1) @ v).permute(0, 3, 1, 2).reshape(b, n, c))


class LocalPatch(nn.Module):
    def __init__(self, d=12):
        super().__init__()
        self.conv1, self.bn, self.conv2 = nn.Conv2d(d, d, 3, padding=1, groups=d), nn.BatchNorm2d(d), nn.Conv2d(d, d, 3, padding=1, groups=d)

    def forward(self, x):
        b, n, c = x.shape
        y = self.conv2(self.bn(F.gelu(self.conv1(x.permute(0, 2, 1).reshape(b, c, 4, 4)))))
        return y.reshape(b, c, n).permute(0, 2, 1)


classifier("xcit", lambda: Patches(12, Block(12, Xca(), True), Block(12, LocalPatch())), SHAPE)


class LevitAttention(nn.Module):
    """LeViT: keys narrower than values, biases by offset, batch norm in place of layer norm."""

    def __init__(self, d=12, key=4, heads=2, ratio=2, size=4):
        super().__init__()
        self.key, self.heads, self.d = key, heads, ratio * key
        self.qkv, self.bn, self.proj = nn.Linear(d, (2 * key + self.d) * heads, bias=False), nn.BatchNorm1d((2 * key + self.d) * heads), nn.Linear(self.d * heads, d)
        points = [(i, j) for i in range(size) for j in range(size)]
        offsets, index = {}, []
        for p in points:
            for q in points:
                index.append(offsets.setdefault((abs(p[0] - q[0]), abs(p[1] - q[1])), len(offsets)))
        self.biases = nn.Parameter(torch.randn(heads, len(offsets)) * 0.1)
        self.register_buffer("index", torch.tensor(index).view(size * size, size * size))

    def forward(self, x):
        b, n, c = x.shape
        y = self.qkv(x)
        y = self.bn(y.flatten(0, 1)).reshape_as(y)
        q, k, v = y.view(b, n, self.heads, -1).split([self.key, self.key, self.d], dim=3)
        q, k, v = q.permute(0, 2, 1, 3), k.permute(0, 2, 3, 1), v.permute(0, 2, 1, 3)
        a = (q @ k * self.key**-0.5 + self.biases[:, self.index]).softmax(dim=-1)
        return x + self.proj(F.hardswish((a @ v).transpose(1, 2).reshape(b, n, self.heads * self.d)))


classifier("levit", lambda: Patches(12, LevitAttention(), LevitAttention()), SHAPE)


class MaxVit(nn.Module):
    """Windows, then a grid, each with attention over its tokens."""

    def __init__(self, d=8, p=4):
        super().__init__()
        self.p, self.window, self.grid = p, Block(d, Attention(d)), Block(d, Attention(d))
        self.mb = nn.Sequential(nn.BatchNorm2d(d), conv_bn(d, 2 * d, 1, act=nn.GELU), conv_bn(2 * d, 2 * d, 3, g=2 * d, act=nn.GELU), nn.Conv2d(2 * d, d, 1))

    def forward(self, x):
        x = x + self.mb(x)
        b, c, h, w = x.shape
        p = self.p
        y = x.reshape(b, c, h // p, p, w // p, p).permute(0, 2, 4, 3, 5, 1).reshape(-1, p * p, c)
        y = self.window(y).reshape(-1, h // p, w // p, p, p, c).permute(0, 5, 1, 3, 2, 4).reshape(-1, c, h, w)
        y = y.reshape(b, c, p, h // p, p, w // p).permute(0, 3, 5, 2, 4, 1).reshape(-1, p * p, c)
        return self.grid(y).reshape(-1, h // p, w // p, p, p, c).permute(0, 5, 3, 1, 4, 2).reshape(-1, c, h, w)


classifier("maxvit", lambda: nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), MaxVit(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LayerNorm(8), nn.Linear(8, 5)), SHAPE)


class CoAtNet(nn.Module):
    """Convolutions, then attention with relative positions over what a pool left."""

    def __init__(self, d=8):
        super().__init__()
        self.stem, self.conv = conv_bn(3, d, 3, 2, act=nn.GELU), conv_bn(d, d, 3, g=d, act=nn.GELU)
        self.norm, self.attn, self.proj, self.head = nn.LayerNorm(d), BeitAttention(d), nn.Conv2d(d, d, 1), nn.Linear(d, 5)

    def forward(self, x):
        x = self.stem(x)
        x = x + self.conv(x)
        pooled = F.max_pool2d(x, 3, 2, 1)
        y = self.attn(self.norm(pooled.flatten(2).transpose(1, 2))).transpose(1, 2).reshape(pooled.shape)
        return self.head((self.proj(pooled) + y).mean((2, 3)))


classifier("coatnet", CoAtNet, SHAPE)


class MobileVit(nn.Module):
    """Patches unfolded so that attention runs between like places of all patches."""

    def __init__(self, c=8, d=12):
        super().__init__()
        self.local, self.block, self.proj, self.fuse = nn.Sequential(conv_bn(c, c, 3), nn.Conv2d(c, d, 1, bias=False)), Block(d, Attention(d)), conv_bn(d, c, 1), conv_bn(2 * c, c, 3)
        self.d = d

    def forward(self, x):
        y = self.local(x)
        b, c, h, w = y.shape
        ph = pw = 2
        nh, nw = h // ph, w // pw
        y = y.reshape(b * c * nh, ph, nw, pw).transpose(1, 2).reshape(b, c, nh * nw, ph * pw).transpose(1, 3).reshape(b * ph * pw, nh * nw, c)
        y = self.block(y)
        y = y.contiguous().view(b, ph * pw, nh * nw, c).transpose(1, 3).reshape(b * c * nh, nw, ph, pw).transpose(1, 2).reshape(b, c, h, w)
        return self.fuse(torch.cat((x, self.proj(y)), dim=1))


class MobileVitFold(nn.Module):
    """Version 2: F.unfold and F.fold, separable self-attention."""

    def __init__(self, c=8):
        super().__init__()
        self.c, self.qkv, self.out = c, nn.Conv2d(c, 1 + 2 * c, 1), nn.Conv2d(c, c, 1)

    def forward(self, x):
        b, c, h, w = x.shape
        y = F.unfold(x, (2, 2), stride=(2, 2)).reshape(b, c, 4, -1)
        q, k, v = torch.split(self.qkv(y), [1, c, c], dim=1)
        context = (k * F.softmax(q, dim=-1)).sum(dim=-1, keepdim=True)
        y = self.out(F.relu(v) * context.expand_as(v))
        return x + F.fold(y.reshape(b, c * 4, -1), (h, w), (2, 2), stride=(2, 2))


classifier("mobilevit", lambda: nn.Sequential(conv_bn(3, 8, 3, 2, act=nn.SiLU), MobileVit(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)), SHAPE)
classifier("mobilevit_v2", lambda: nn.Sequential(conv_bn(3, 8, 3, 2, act=nn.SiLU), MobileVitFold(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)), SHAPE)


class Pvt(nn.Module):
    """Attention whose keys come from a smaller image."""

    def __init__(self, d=8, heads=2, size=8):
        super().__init__()
        self.heads, self.size, self.q, self.kv, self.sr, self.norm, self.proj = heads, size, nn.Linear(d, d), nn.Linear(d, 2 * d), nn.Conv2d(d, d, 2, 2), nn.LayerNorm(d), nn.Linear(d, d)

    def forward(self, x):
        b, n, c = x.shape
        q = self.q(x).reshape(b, n, self.heads, -1).permute(0, 2, 1, 3)
        y = self.norm(self.sr(x.permute(0, 2, 1).reshape(b, c, self.size, self.size)).reshape(b, c, -1).permute(0, 2, 1))
        k, v = self.kv(y).reshape(b, -1, 2, self.heads, c // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, n, c))


class PvtNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.patch, self.block, self.head = nn.Conv2d(3, 8, 2, 2), Block(8, Pvt()), nn.Linear(8, 5)

    def forward(self, x):
        return self.head(self.block(self.patch(x).flatten(2).transpose(1, 2)).mean(1))


classifier("pvt", PvtNet, SHAPE)


class Registers(nn.Module):
    """DINOv2 and EVA: position embeddings resized, rotary halves, SwiGLU."""

    def __init__(self, d=12):
        super().__init__()
        self.patch, self.pos = nn.Conv2d(3, d, 4, 4), nn.Parameter(torch.randn(1, 9, d) * 0.1)
        self.qkv, self.w12, self.w3, self.head = nn.Linear(d, 3 * d), nn.Linear(d, 4 * d), nn.Linear(2 * d, d), nn.Linear(d, 5)
        t = torch.arange(16)[:, None] * torch.tensor([1.0, 0.3, 0.1])[None]
        self.register_buffer("sin", t.sin().repeat_interleave(2, 1))
        self.register_buffer("cos", t.cos().repeat_interleave(2, 1))

    def turn(self, x):
        half = torch.stack([-x[..., 1::2], x[..., ::2]], -1).reshape(x.shape)
        return x * self.cos + half * self.sin

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        pos = F.interpolate(self.pos.reshape(1, 3, 3, -1).permute(0, 3, 1, 2), size=(4, 4), mode="bicubic", align_corners=False)
        x = x + pos.permute(0, 2, 3, 1).reshape(1, 16, -1)
        b, n, c = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, 2, c // 2).permute(2, 0, 3, 1, 4).unbind(0)
        x = x + F.scaled_dot_product_attention(self.turn(q), self.turn(k), v).transpose(1, 2).reshape(b, n, c)
        a, g = self.w12(x).chunk(2, dim=-1)
        return self.head((x + self.w3(F.silu(a) * g)).mean(1))


classifier("eva_dino", Registers, SHAPE)
