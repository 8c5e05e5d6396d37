"""Small nets for small machines, and scaled ones."""
import torch
from torch import nn
from torch.nn import functional as F

from cases import classifier
from vision import conv_bn


def head(c, classes=5):
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(c, classes))


def separable(i, o, s):
    return nn.Sequential(conv_bn(i, i, 3, s, g=i), conv_bn(i, o, 1))


classifier("mobilenet_v1", lambda: nn.Sequential(conv_bn(3, 8, 3, 2), separable(8, 12, 1), separable(12, 16, 2), head(16)))


class Inverted(nn.Module):
    def __init__(self, i, o, s, t, act=nn.ReLU6, k=3, squeeze=None):
        super().__init__()
        w = i * t
        self.residual = s == 1 and i == o
        layers = [conv_bn(i, w, 1, act=act)] if t != 1 else []
        layers += [conv_bn(w, w, k, s, g=w, act=act), *([squeeze(w)] if squeeze else []), conv_bn(w, o, 1, act=None)]
        self.conv = nn.Sequential(*layers)

    def forward(self, x):
        return x + self.conv(x) if self.residual else self.conv(x)


classifier("mobilenet_v2", lambda: nn.Sequential(conv_bn(3, 8, 3, 2, act=nn.ReLU6), Inverted(8, 6, 1, 1), Inverted(6, 8, 2, 6), Inverted(8, 8, 1, 6), head(8)))


class Squeeze(nn.Module):
    def __init__(self, c, inner=4, act=nn.ReLU, gate=nn.Hardsigmoid):
        super().__init__()
        self.avgpool, self.fc1, self.fc2, self.act, self.gate = nn.AdaptiveAvgPool2d(1), nn.Conv2d(c, inner, 1), nn.Conv2d(inner, c, 1), act(), gate()

    def forward(self, x):
        return self.gate(self.fc2(self.act(self.fc1(self.avgpool(x))))) * x


class SqueezeMean(nn.Module):
    """timm's form."""

    def __init__(self, c, inner=4):
        super().__init__()
        self.fc1, self.fc2 = nn.Conv2d(c, inner, 1), nn.Conv2d(inner, c, 1)

    def forward(self, x):
        return x * self.fc2(F.silu(self.fc1(x.mean((2, 3), keepdim=True)))).sigmoid()


classifier("mobilenet_v3", lambda: nn.Sequential(
    conv_bn(3, 8, 3, 2, act=nn.Hardswish), Inverted(8, 8, 1, 1, nn.ReLU, squeeze=Squeeze), Inverted(8, 12, 2, 3, nn.Hardswish, 5, Squeeze),
    Inverted(12, 12, 1, 2, nn.Hardswish), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 16), nn.Hardswish(), nn.Dropout(0.2), nn.Linear(16, 5)))
classifier("efficientnet", lambda: nn.Sequential(
    conv_bn(3, 8, 3, 2, act=nn.SiLU), Inverted(8, 8, 1, 1, nn.SiLU, squeeze=lambda c: Squeeze(c, 3, nn.SiLU, nn.Sigmoid)),
    Inverted(8, 12, 2, 4, nn.SiLU, 5, SqueezeMean), Inverted(12, 12, 1, 4, nn.SiLU, 3, SqueezeMean), head(12)))
classifier("mnasnet", lambda: nn.Sequential(conv_bn(3, 8, 3, 2), Inverted(8, 8, 2, 3, nn.ReLU, 3), Inverted(8, 8, 1, 3, nn.ReLU, 5), head(8)))


class FusedMb(nn.Module):
    """EfficientNetV2, with stochastic depth (which lets all through here)."""

    def __init__(self, i, o, s, t):
        super().__init__()
        self.residual = s == 1 and i == o
        self.body = nn.Sequential(conv_bn(i, i * t, 3, s, act=nn.SiLU), conv_bn(i * t, o, 1, act=None))

    def forward(self, x):
        y = self.body(x)
        return x + y if self.residual else y


classifier("efficientnet_v2", lambda: nn.Sequential(conv_bn(3, 8, 3, 2, act=nn.SiLU), FusedMb(8, 8, 1, 2), FusedMb(8, 12, 2, 3), Inverted(12, 12, 1, 4, nn.SiLU, 3, SqueezeMean), head(12)))


class Same(nn.Conv2d):
    """TensorFlow's padding, reckoned from the size of the image."""

    def forward(self, x):
        h, w = x.shape[-2:]
        k, s = self.kernel_size[0], self.stride[0]
        ph, pw = max((-(h // -s) - 1) * s + k - h, 0), max((-(w // -s) - 1) * s + k - w, 0)
        x = F.pad(x, [pw // 2, pw - pw // 2, ph // 2, ph - ph // 2])
        return F.conv2d(x, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


classifier("tf_efficientnet", lambda: nn.Sequential(Same(3, 8, 3, 2), nn.BatchNorm2d(8, eps=1e-3), nn.SiLU(), Same(8, 8, 5, 2, groups=8), nn.BatchNorm2d(8, eps=1e-3), nn.SiLU(), SqueezeMean(8), head(8)))


class RegBlock(nn.Module):
    def __init__(self, i, o, s, g, squeeze):
        super().__init__()
        self.proj = conv_bn(i, o, 1, s, act=None) if i != o or s != 1 else None
        self.f = nn.Sequential(conv_bn(i, o, 1), conv_bn(o, o, 3, s, g=o // g), *([Squeeze(o, gate=nn.Sigmoid)] if squeeze else []), conv_bn(o, o, 1, act=None))

    def forward(self, x):
        return F.relu((x if self.proj is None else self.proj(x)) + self.f(x))


classifier("regnet_x", lambda: nn.Sequential(conv_bn(3, 8, 3, 2), RegBlock(8, 8, 2, 4, False), RegBlock(8, 12, 1, 4, False), head(12)))
classifier("regnet_y", lambda: nn.Sequential(conv_bn(3, 8, 3, 2), RegBlock(8, 8, 2, 4, True), RegBlock(8, 12, 1, 4, True), head(12)))


class ShuffleUnit(nn.Module):
    def __init__(self, i, o, s):
        super().__init__()
        b = o // 2
        self.stride = s
        self.branch1 = nn.Sequential(conv_bn(i, i, 3, s, g=i, act=None), conv_bn(i, b, 1)) if s > 1 else nn.Sequential()
        self.branch2 = nn.Sequential(conv_bn(i if s > 1 else b, b, 1), conv_bn(b, b, 3, s, g=b, act=None), conv_bn(b, b, 1))

    def forward(self, x):
        if self.stride == 1:
            x1, x2 = x.chunk(2, dim=1)
            out = torch.cat((x1, self.branch2(x2)), dim=1)
        else:
            out = torch.cat((self.branch1(x), self.branch2(x)), dim=1)
        n, c, h, w = out.size()
        return torch.transpose(out.view(n, 2, c // 2, h, w), 1, 2).contiguous().view(n, c, h, w)


class ShuffleNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.maxpool = conv_bn(3, 8, 3, 2), nn.MaxPool2d(3, 2, 1)
        self.stages, self.fc = nn.Sequential(ShuffleUnit(8, 12, 2), ShuffleUnit(12, 12, 1)), nn.Linear(12, 5)

    def forward(self, x):
        return self.fc(self.stages(self.maxpool(self.conv1(x))).mean([2, 3]))


classifier("shufflenet_v2", ShuffleNet)


class Ghost(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.o = o
        self.primary, self.cheap = conv_bn(i, -(-o // 2), 1), conv_bn(-(-o // 2), -(-o // 2), 3, g=-(-o // 2))

    def forward(self, x):
        a = self.primary(x)
        return torch.cat([a, self.cheap(a)], dim=1)[:, : self.o, :, :]


classifier("ghostnet", lambda: nn.Sequential(conv_bn(3, 8, 3, 2), Ghost(8, 11), Squeeze(11), Ghost(11, 12), head(12)))


class MixConv(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.parts = [c - 2 * (c // 3), c // 3, c // 3]
        self.convs = nn.ModuleList(nn.Conv2d(p, p, k, padding=k // 2, groups=p) for p, k in zip(self.parts, (3, 5, 7)))

    def forward(self, x):
        return torch.cat([c(p) for c, p in zip(self.convs, torch.split(x, self.parts, 1))], 1)


classifier("mixnet", lambda: nn.Sequential(conv_bn(3, 10, 3, 2), MixConv(10), nn.BatchNorm2d(10), nn.SiLU(), MixConv(10), head(10)))


class BlurPool(nn.Module):
    """Anti-aliased strides: a fixed kernel over reflected borders."""

    def __init__(self, c):
        super().__init__()
        k = torch.tensor([1.0, 2.0, 1.0])
        self.register_buffer("filt", (k[:, None] * k[None] / 16).repeat(c, 1, 1, 1))

    def forward(self, x):
        return F.conv2d(F.pad(x, (1, 1, 1, 1), "reflect"), self.filt, stride=2, groups=self.filt.shape[0])


classifier("blurpool", lambda: nn.Sequential(conv_bn(3, 8, 3), BlurPool(8), conv_bn(8, 8, 3, act=lambda: nn.LeakyReLU(1e-3)), BlurPool(8), head(8)))


class Eca(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(1, 1, 3, padding=1, bias=False)

    def forward(self, x):
        y = self.conv(x.mean((2, 3)).view(x.shape[0], 1, -1))
        return x * y.view(x.shape[0], -1, 1, 1).sigmoid().expand_as(x)


class Cbam(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.fc1, self.fc2, self.conv = nn.Conv2d(c, 4, 1, bias=False), nn.Conv2d(4, c, 1, bias=False), nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, x):
        a = self.fc2(F.relu(self.fc1(x.mean((2, 3), keepdim=True)))) + self.fc2(F.relu(self.fc1(x.amax((2, 3), keepdim=True))))
        x = x * a.sigmoid()
        return x * self.conv(torch.cat([x.mean(dim=1, keepdim=True), x.amax(dim=1, keepdim=True)], dim=1)).sigmoid()


class GlobalContext(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.attn, self.mlp = nn.Conv2d(c, 1, 1), nn.Sequential(nn.Conv2d(c, 4, 1), nn.GroupNorm(1, 4), nn.ReLU(), nn.Conv2d(4, c, 1))

    def forward(self, x):
        b, c, h, w = x.shape
        a = F.softmax(self.attn(x).reshape(b, 1, h * w), dim=-1).unsqueeze(3)
        context = (x.reshape(b, c, h * w).unsqueeze(1) @ a).view(b, c, 1, 1)
        return x + self.mlp(context)


classifier("attentions", lambda: nn.Sequential(conv_bn(3, 8, 3, 2), Eca(), conv_bn(8, 8, 3), Cbam(8), GlobalContext(8), head(8)))


class CoordAttention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.conv1, self.bn1, self.h, self.w = nn.Conv2d(c, 4, 1), nn.BatchNorm2d(4), nn.Conv2d(4, c, 1), nn.Conv2d(4, c, 1)

    def forward(self, x):
        h, w = x.shape[-2:]
        y = torch.cat([F.adaptive_avg_pool2d(x, (h, 1)), F.adaptive_avg_pool2d(x, (1, w)).transpose(-1, -2)], dim=2)
        a, b = F.hardswish(self.bn1(self.conv1(y))).split([h, w], dim=2)
        return x * self.h(a).sigmoid() * self.w(b).transpose(-1, -2).sigmoid()


classifier("coord_attention", lambda: nn.Sequential(conv_bn(3, 8, 3, 2), CoordAttention(8), head(8)))
