"""Nets whose answer is an image, a box or a sample: segmentation, detection, super-resolution, generation; and their losses."""
import torch
from torch import nn
from torch.nn import functional as F

from cases import add, generator, net, score
from vision import conv_bn

IMAGE = (3, 3, 16, 16)


class Unet(nn.Module):
    def __init__(self, up="transpose"):
        super().__init__()
        self.down1, self.down2, self.mid = conv_bn(3, 6, 3), conv_bn(6, 8, 3), conv_bn(8, 10, 3)
        self.up2 = nn.ConvTranspose2d(10, 8, 2, 2) if up == "transpose" else nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True), nn.Conv2d(10, 8, 1))
        self.up1 = nn.ConvTranspose2d(8, 6, 3, 2, 1, output_padding=1) if up == "transpose" else nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(8, 6, 1))
        self.dec2, self.dec1, self.out = conv_bn(16, 8, 3), conv_bn(12, 6, 3), nn.Conv2d(6, 2, 1)

    def forward(self, x):
        a = self.down1(x)
        b = self.down2(F.max_pool2d(a, 2))
        y = self.up2(self.mid(F.max_pool2d(b, 2)))
        y = F.pad(y, [(b.size(3) - y.size(3)) // 2, b.size(3) - y.size(3) - (b.size(3) - y.size(3)) // 2, 0, 0])
        y = self.dec2(torch.cat([b, y], 1))
        return self.out(self.dec1(torch.cat([a, self.up1(y)], 1)))


class Segment(nn.Module):
    """Cross-entropy over pixels, some of them not counted, and the Dice loss."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x, y):
        z = self.net(x)
        p = z.softmax(1)
        hot = F.one_hot(y.clamp(min=0), p.shape[1]).permute(0, 3, 1, 2).to(p.dtype)
        dice = 1 - (2 * (p * hot).sum((0, 2, 3)) + 1) / (p.sum((0, 2, 3)) + hot.sum((0, 2, 3)) + 1)
        return F.cross_entropy(z, y, ignore_index=-1) + dice.mean()


def segmenter(name, make, classes=2, **options):
    g = generator(name)
    y = torch.randint(-1, classes, (3, 16, 16), generator=g)
    add(name, lambda: Segment(make()), (torch.randn(IMAGE, generator=g), y), ("x", "y"), dynamic=(0, 1), train=True, **options)


segmenter("unet", Unet)
segmenter("unet_bilinear", lambda: Unet("bilinear"))


class Aspp(nn.Module):
    """DeepLab v3: dilated branches and a pooled one, resized back."""

    def __init__(self):
        super().__init__()
        self.stem = conv_bn(3, 8, 3, 2)
        self.branches = nn.ModuleList([conv_bn(8, 4, 1), conv_bn(8, 4, 3, d=2), conv_bn(8, 4, 3, d=3)])
        self.pool, self.project, self.out = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(8, 4, 1, bias=False), nn.ReLU()), conv_bn(16, 8, 1), nn.Conv2d(8, 2, 1)

    def forward(self, x):
        y = self.stem(x)
        pooled = F.interpolate(self.pool(y), size=y.shape[-2:], mode="bilinear", align_corners=False)
        y = self.project(torch.cat([*[b(y) for b in self.branches], pooled], dim=1))
        return F.interpolate(self.out(y), size=x.shape[-2:], mode="bilinear", align_corners=False)


segmenter("deeplab_v3", Aspp)


class Psp(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.convs, self.out = conv_bn(3, 6, 3, 2), nn.ModuleList(nn.Conv2d(6, 3, 1) for _ in range(3)), nn.Conv2d(15, 2, 1)

    def forward(self, x):
        y = self.stem(x)
        parts = [F.interpolate(c(F.adaptive_avg_pool2d(y, k)), size=(8, 8), mode="bilinear", align_corners=True) for c, k in zip(self.convs, (1, 2, 4))]
        return F.interpolate(self.out(torch.cat([y, *parts], 1)), scale_factor=2, mode="bicubic", align_corners=False)


segmenter("pspnet", Psp)


class Hrnet(nn.Module):
    """Two resolutions that exchange."""

    def __init__(self):
        super().__init__()
        self.high, self.low, self.to_low, self.to_high, self.out = conv_bn(3, 6, 3, 2), conv_bn(6, 8, 3, 2), conv_bn(6, 8, 3, 2, act=None), conv_bn(8, 6, 1, act=None), nn.Conv2d(14, 2, 1)

    def forward(self, x):
        h = self.high(x)
        low = self.low(h)
        h2 = F.relu(h + F.interpolate(self.to_high(low), scale_factor=2, mode="nearest"))
        low2 = F.relu(low + self.to_low(h))
        y = torch.cat([h2, F.interpolate(low2, size=h2.shape[2:], mode="bilinear", align_corners=True)], 1)
        return F.interpolate(self.out(y), size=(16, 16), mode="nearest")


segmenter("hrnet", Hrnet)


class Segformer(nn.Module):
    def __init__(self, d=8):
        super().__init__()
        self.embed, self.norm, self.fc1, self.dw, self.fc2 = nn.Conv2d(3, d, 7, 4, 3), nn.LayerNorm(d), nn.Linear(d, 2 * d), nn.Conv2d(2 * d, 2 * d, 3, padding=1, groups=2 * d), nn.Linear(2 * d, d)
        self.down, self.heads, self.fuse = nn.Conv2d(d, d, 3, 2, 1), nn.ModuleList(nn.Linear(d, 6) for _ in range(2)), nn.Conv2d(12, 2, 1)

    def forward(self, x):
        y = self.embed(x)
        b, c, h, w = y.shape
        t = self.norm(y.flatten(2).transpose(1, 2))
        u = self.fc1(t)
        t = t + self.fc2(F.gelu(self.dw(u.transpose(1, 2).view(b, -1, h, w)).flatten(2).transpose(1, 2)))
        y = t.permute(0, 2, 1).reshape(b, -1, h, w)
        parts = []
        for head, level in zip(self.heads, (y, self.down(y))):
            z = head(level.flatten(2).transpose(1, 2)).permute(0, 2, 1).reshape(b, -1, *level.shape[2:])
            parts.append(F.interpolate(z, size=(h, w), mode="bilinear", align_corners=False))
        return F.interpolate(self.fuse(torch.cat(parts[::-1], dim=1)), scale_factor=4.0, mode="bilinear", align_corners=False)


segmenter("segformer", Segformer)


class Fcn(nn.Module):
    """Transposed convolutions and max unpooling's stand-in."""

    def __init__(self):
        super().__init__()
        self.c1, self.c2, self.up = nn.Conv2d(3, 6, 3, padding=1, padding_mode="replicate"), nn.Conv2d(6, 6, 3, 2, 1, padding_mode="circular"), nn.ConvTranspose2d(6, 2, 4, 2, 1, groups=2, bias=False)

    def forward(self, x):
        return self.up(F.elu(self.c2(F.selu(self.c1(x)))))


segmenter("fcn", Fcn)

# ------------------------------------------------------------------------------------------------------------------------ resizing
for mode, corners in (("nearest", None), ("nearest-exact", None), ("bilinear", False), ("bilinear", True), ("bicubic", False), ("bicubic", True), ("area", None)):
    for label, how in (("up", {"scale_factor": 2}), ("size", {"size": (7, 11)}), ("down", {"size": (3, 5)}), ("uneven", {"scale_factor": (1.5, 2.5)}), ("kept", {"scale_factor": 1.7, "recompute_scale_factor": True})):
        class Sized(nn.Module):
            def __init__(self, mode=mode, corners=corners, how=how):
                super().__init__()
                self.conv, self.how = nn.Conv2d(2, 3, 3, padding=1), {"mode": mode, **({} if corners is None else {"align_corners": corners}), **how}

            def forward(self, x):
                return F.interpolate(self.conv(x), **self.how)
        skip = ("ts",) if mode == "nearest-exact" else ()
        net(f"resize.{mode}{'' if corners is None else '_corners' if corners else '_half'}.{label}", Sized, (2, 2, 6, 7), skip=skip)
net("resize.linear1d", lambda: nn.Sequential(nn.Conv1d(2, 3, 3), nn.Upsample(scale_factor=3, mode="linear")), (2, 2, 8))
net("resize.trilinear", lambda: nn.Sequential(nn.Conv3d(2, 3, 1), nn.Upsample(scale_factor=2, mode="trilinear", align_corners=False)), (2, 2, 3, 4, 3))
net("resize.nearest3d", lambda: nn.Sequential(nn.Conv3d(2, 3, 1), nn.Upsample(scale_factor=(1, 2, 2))), (2, 2, 3, 4, 3))


# ---------------------------------------------------------------------------------------------------------------- other answers
class Fpn(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1, self.c2, self.l1, self.l2, self.o1, self.o2 = conv_bn(3, 6, 3, 2), conv_bn(6, 8, 3, 2), nn.Conv2d(6, 5, 1), nn.Conv2d(8, 5, 1), nn.Conv2d(5, 5, 3, padding=1), nn.Conv2d(5, 5, 3, padding=1)
        self.score, self.box = nn.Conv2d(5, 2, 3, padding=1), nn.Conv2d(5, 4, 3, padding=1)

    def forward(self, x):
        a = self.c1(x)
        b = self.c2(a)
        top = self.l2(b)
        low = self.l1(a) + F.interpolate(top, size=a.shape[-2:], mode="nearest")
        levels = [self.o1(low), self.o2(top), F.max_pool2d(self.o2(top), 1, 2, 0)]
        n = x.shape[0]
        flat = lambda y, k: y.view(n, -1, k, y.shape[-2], y.shape[-1]).permute(0, 3, 4, 1, 2).reshape(n, -1, k)
        return torch.cat([flat(self.score(l), 2) for l in levels], 1), torch.cat([flat(self.box(l), 4) for l in levels], 1)


class Detect(nn.Module):
    """Focal loss, smooth L1 and the generalised overlap of boxes, as torchvision.ops has them."""

    def __init__(self):
        super().__init__()
        self.net = Fpn()

    def forward(self, x, hot, boxes):
        scores, deltas = self.net(x)
        p = torch.sigmoid(scores)
        ce = F.binary_cross_entropy_with_logits(scores, hot, reduction="none")
        pt = p * hot + (1 - p) * (1 - hot)
        focal = ((0.25 * hot + 0.75 * (1 - hot)) * ce * ((1 - pt) ** 2)).mean()
        near = F.smooth_l1_loss(deltas, boxes, beta=0.11) + F.huber_loss(deltas, boxes, delta=0.4) + F.l1_loss(deltas, boxes)
        size = F.softplus(deltas)
        a = torch.cat([boxes[..., :2] - size[..., :2], boxes[..., :2] + size[..., 2:]], -1)
        b = torch.cat([boxes[..., :2] - 0.5, boxes[..., :2] + boxes[..., 2:].abs() + 0.1], -1)
        lt, rb = torch.max(a[..., :2], b[..., :2]), torch.min(a[..., 2:], b[..., 2:])
        wh = (rb - lt).clamp(min=0)
        inter = wh[..., 0] * wh[..., 1]
        area = lambda t: (t[..., 2] - t[..., 0]) * (t[..., 3] - t[..., 1])
        union = area(a) + area(b) - inter
        hull = torch.max(a[..., 2:], b[..., 2:]) - torch.min(a[..., :2], b[..., :2])
        outer = hull[..., 0] * hull[..., 1]
        giou = inter / (union + 1e-7) - (outer - union) / (outer + 1e-7)
        return focal + near + (1 - giou).mean()


g = generator("detection")
add("detection", Detect, (torch.randn(IMAGE, generator=g), torch.randint(0, 2, (3, 84, 2), generator=g).float(), torch.randn(3, 84, 4, generator=g)), ("x", "hot", "boxes"), dynamic=(0, 1, 2), train=True)


class Yolo(nn.Module):
    """A stem of slices, pools of one size after the other, and anchors decoded by a grid."""

    def __init__(self):
        super().__init__()
        self.focus, self.cv1, self.cv2, self.out = conv_bn(12, 8, 3, act=nn.SiLU), conv_bn(8, 4, 1, act=nn.SiLU), conv_bn(16, 8, 1, act=nn.SiLU), nn.Conv2d(8, 14, 1)
        self.register_buffer("anchors", torch.tensor([[1.0, 2.0], [3.0, 1.5]]))

    def forward(self, x):
        x = self.focus(torch.cat([x[..., ::2, ::2], x[..., 1::2, ::2], x[..., ::2, 1::2], x[..., 1::2, 1::2]], 1))
        x = self.cv1(x)
        y1 = F.max_pool2d(x, 5, 1, 2)
        y2 = F.max_pool2d(y1, 5, 1, 2)
        y = self.out(self.cv2(torch.cat([x, y1, y2, F.max_pool2d(y2, 5, 1, 2)], 1)))
        b, _, h, w = y.shape
        y = y.view(b, 2, 7, h, w).permute(0, 1, 3, 4, 2).contiguous().sigmoid()
        yv, xv = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
        grid = torch.stack((xv, yv), 2).expand(1, 2, h, w, 2).float()
        xy, wh, conf = y.split((2, 2, 3), 4)
        return torch.cat(((xy * 2 + grid - 0.5) * 0.5, (wh * 2) ** 2 * self.anchors.view(1, 2, 1, 1, 2), conf), 4).view(b, -1, 7)


net("yolo", Yolo, IMAGE, train=True)
net("super_resolution", lambda: nn.Sequential(nn.Conv2d(1, 8, 5, padding=2), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.Tanh(), nn.Conv2d(8, 4, 3, padding=1), nn.PixelShuffle(2)), (2, 1, 6, 6), train=True)


class Srgan(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1, self.act, self.c2, self.bn, self.up, self.out = nn.Conv2d(3, 8, 9, padding=4), nn.PReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.Conv2d(8, 32, 3, padding=1), nn.Conv2d(8, 3, 3, padding=1)
        self.acts = nn.PReLU(8)

    def forward(self, x):
        a = self.act(self.c1(x))
        y = a + self.acts(self.bn(self.c2(a)))
        y = F.leaky_relu(F.pixel_shuffle(self.up(y), 2), 0.2)
        return F.pixel_unshuffle(torch.tanh(self.out(y)), 2) + F.interpolate(x, scale_factor=1, mode="nearest").mean()


net("srgan", Srgan, (2, 3, 6, 6), train=True)
net("dcgan", lambda: nn.Sequential(nn.Unflatten(1, (6, 1, 1)), nn.ConvTranspose2d(6, 8, 4, 1, 0, bias=False), nn.BatchNorm2d(8), nn.ReLU(True), nn.ConvTranspose2d(8, 6, 4, 2, 1, bias=False), nn.BatchNorm2d(6), nn.ReLU(True), nn.ConvTranspose2d(6, 3, 4, 2, 1), nn.Tanh()), (4, 6), train=True)


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        sn = nn.utils.parametrizations.spectral_norm
        self.c1, self.c2, self.fc = sn(nn.Conv2d(3, 6, 4, 2, 1)), nn.utils.spectral_norm(nn.Conv2d(6, 8, 4, 2, 1)), sn(nn.Linear(128, 1))

    def forward(self, x):
        y = F.leaky_relu(self.c2(F.leaky_relu(self.c1(x), 0.2)), 0.2)
        return F.relu(1 - self.fc(y.flatten(1))) + F.softplus(-self.fc(y.flatten(1)))


net("discriminator_spectral", Discriminator, IMAGE)


class StyleBlock(nn.Module):
    """StyleGAN: weights modulated by a style, a convolution with as many groups as images."""

    def __init__(self, i=4, o=6, d=5):
        super().__init__()
        self.affine, self.weight, self.noise, self.bias = nn.Linear(d, i), nn.Parameter(torch.randn(o, i, 3, 3)), nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(o))
        self.register_buffer("image", torch.randn(1, 1, 6, 6))

    def forward(self, x, w):
        b, c, h, width = x.shape
        weight = self.weight.unsqueeze(0) * (self.affine(w) + 1).reshape(b, 1, -1, 1, 1)
        weight = weight * torch.rsqrt(weight.square().sum(dim=[2, 3, 4], keepdim=True) + 1e-8)
        y = F.conv2d(x.reshape(1, -1, h, width), weight.reshape(-1, c, 3, 3), padding=1, groups=b).reshape(b, -1, h, width)
        return F.leaky_relu(y + self.noise * self.image + self.bias.reshape(1, -1, 1, 1), 0.2) * 2**0.5


net("stylegan", StyleBlock, (3, 4, 6, 6), (3, 5), dynamic=())


class AdaIn(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.style = nn.Conv2d(3, 6, 3, padding=1, padding_mode="reflect"), nn.Linear(5, 12)

    def forward(self, x, s):
        gamma, beta = self.style(s)[:, :, None, None].chunk(2, 1)
        return F.instance_norm(self.conv(x)) * (1 + gamma) + beta


net("adain", AdaIn, (3, 3, 8, 8), (3, 5))


class Vae(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc, self.mu, self.var, self.dec = nn.Sequential(nn.Linear(12, 8), nn.ReLU()), nn.Linear(8, 3), nn.Linear(8, 3), nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 12))

    def forward(self, x, noise):
        h = self.enc(x)
        mu, logvar = self.mu(h), self.var(h)
        z = mu + torch.exp(0.5 * logvar) * noise
        return F.binary_cross_entropy(torch.sigmoid(self.dec(z)), torch.sigmoid(x), reduction="sum") - 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())


g = generator("vae")
add("vae", Vae, (torch.randn(4, 12, generator=g), torch.randn(4, 3, generator=g)), ("x", "noise"), dynamic=(0, 1), train=True)


class Vq(nn.Module):
    """VQ-VAE: nearest codes, straight through."""

    def __init__(self):
        super().__init__()
        self.enc, self.codes, self.dec = nn.Conv2d(3, 4, 4, 4), nn.Embedding(7, 4), nn.ConvTranspose2d(4, 3, 4, 4)

    def forward(self, x):
        z = self.enc(x).permute(0, 2, 3, 1)
        flat = z.reshape(-1, 4)
        near = (flat.pow(2).sum(1, keepdim=True) + self.codes.weight.pow(2).sum(1) - 2 * flat @ self.codes.weight.t()).argmin(1)
        q = self.codes(near).view(z.shape)
        loss = F.mse_loss(q, z) + 0.25 * F.mse_loss(q, z)
        y = self.dec((z + (q - z)).permute(0, 3, 1, 2))
        return loss + F.mse_loss(y, x)


add("vq_vae", Vq, (torch.randn(IMAGE, generator=generator("vq")),), ("x",), dynamic=(0,), train=True)


class SpatialTransformer(nn.Module):
    def __init__(self, mode="bilinear", padding="zeros", corners=False):
        super().__init__()
        self.loc, self.fc, self.conv = nn.Sequential(nn.Conv2d(3, 4, 5, 2), nn.MaxPool2d(2, 2), nn.ReLU(True)), nn.Linear(36, 6), nn.Conv2d(3, 4, 3)
        self.fc.weight.data.mul_(0.1)
        self.fc.bias.data = torch.tensor([0.9, 0.1, 0.05, -0.1, 1.1, 0.02])
        self.how = {"mode": mode, "padding_mode": padding, "align_corners": corners}

    def forward(self, x):
        theta = self.fc(self.loc(x).flatten(1)).view(-1, 2, 3)
        grid = F.affine_grid(theta, [x.shape[0], x.shape[1], 8, 9], align_corners=self.how["align_corners"])
        return self.conv(F.grid_sample(x, grid, **self.how))


net("spatial_transformer", SpatialTransformer, (3, 3, 16, 16), skip=("ts13", "ts14"))
for mode in ("bilinear", "nearest", "bicubic"):
    for padding in ("zeros", "border", "reflection"):
        for corners in (False, True):
            net(f"grid_sample.{mode}.{padding}.{corners}", lambda m=mode, p=padding, c=corners: SpatialTransformer(m, p, c), (2, 3, 16, 16), skip=("ts13", "ts14"), dynamic=())


class Warp(nn.Module):
    """Optical flow: a grid of pixels moved by what a net says, and a volume of costs."""

    def __init__(self):
        super().__init__()
        self.feat, self.flow = nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(9, 2, 3, padding=1)

    def forward(self, a, b):
        fa, fb = self.feat(a), self.feat(b)
        padded = F.pad(fb, (1, 1, 1, 1))
        h, w = fa.shape[2:]
        cost = torch.stack([(fa * padded[:, :, i : i + h, j : j + w]).mean(1) for i in range(3) for j in range(3)], 1)
        flow = self.flow(F.leaky_relu(cost, 0.1))
        ys, xs = torch.meshgrid(torch.linspace(-1, 1, h), torch.linspace(-1, 1, w), indexing="ij")
        grid = torch.stack([xs, ys], -1)[None] + flow.permute(0, 2, 3, 1)
        return F.grid_sample(fb, grid, align_corners=True) - fa


net("optical_flow", Warp, IMAGE, IMAGE, skip=("ts13", "ts14"))


class R3d(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv3d(3, 6, (3, 7, 7), (1, 2, 2), (1, 3, 3), bias=False), nn.BatchNorm3d(6), nn.ReLU(True), nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)))
        self.conv2d, self.conv1d, self.bn = nn.Conv3d(6, 6, (1, 3, 3), padding=(0, 1, 1), bias=False), nn.Conv3d(6, 6, (3, 1, 1), padding=(1, 0, 0), bias=False), nn.BatchNorm3d(6)
        self.pool, self.fc = nn.AdaptiveAvgPool3d((1, 1, 1)), nn.Linear(6, 5)

    def forward(self, x):
        x = self.stem(x)
        return self.fc(self.pool(F.relu(x + self.bn(self.conv1d(F.relu(self.conv2d(x)))))).flatten(1))


net("r3d", R3d, (2, 3, 4, 16, 16), train=True)
net("vnet", lambda: nn.Sequential(nn.Conv3d(1, 4, 3, padding=1), nn.InstanceNorm3d(4, affine=True), nn.PReLU(4), nn.Conv3d(4, 6, 2, 2), nn.ConvTranspose3d(6, 4, 2, 2), nn.AvgPool3d(2), nn.Conv3d(4, 2, 1)), (2, 1, 4, 6, 4), train=True)


class Diffusion(nn.Module):
    """A small denoiser: time embedding, group norm, attention at the bottom."""

    def __init__(self):
        super().__init__()
        self.t1, self.t2, self.inp, self.n1, self.c1, self.emb = nn.Linear(8, 16), nn.Linear(16, 16), nn.Conv2d(3, 8, 3, padding=1), nn.GroupNorm(4, 8), nn.Conv2d(8, 8, 3, padding=1), nn.Linear(16, 16)
        self.n2, self.c2, self.down, self.attn, self.up, self.out = nn.GroupNorm(2, 8), nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, 8, 3, 2, 1), nn.MultiheadAttention(8, 2, batch_first=True), nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(16, 3, 3, padding=1)

    def forward(self, x, t):
        freqs = torch.exp(-torch.arange(4, dtype=torch.float32) * 2.3)
        args = t[:, None].to(x.dtype) * freqs[None].to(x.dtype)
        emb = self.t2(F.silu(self.t1(torch.cat([args.cos(), args.sin()], -1))))
        h = self.inp(x)
        scale, shift = self.emb(F.silu(emb))[:, :, None, None].chunk(2, dim=1)
        y = self.n2(self.c1(F.silu(self.n1(h)))) * (scale + 1) + shift
        h = h + self.c2(F.silu(y))
        low = self.down(h)
        tokens = low.flatten(2).transpose(1, 2)
        low = low + self.attn(tokens, tokens, tokens, need_weights=False)[0].transpose(1, 2).reshape(low.shape)
        return self.out(torch.cat([h, self.up(F.interpolate(low, scale_factor=2.0, mode="nearest"))], 1))


net("diffusion", Diffusion, (3, 3, 8, 8), torch.tensor([3, 50, 700]), train=True)


class Deform(nn.Module):
    """DCGAN-like upsampler by nearest, Sobel edges, total variation and a Gram matrix."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.register_buffer("sobel", torch.tensor([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]]).repeat(4, 1, 1, 1))

    def forward(self, x):
        y = self.conv(x)
        edges = F.conv2d(y, self.sobel, padding=1, groups=4)
        variation = (y[:, :, 1:] - y[:, :, :-1]).abs().mean() + (y[..., 1:] - y[..., :-1]).abs().mean()
        f = y.flatten(2)
        return (f @ f.transpose(1, 2)) / f.shape[-1] + variation + (edges**2 + 1e-6).sqrt().mean()


net("style_transfer", Deform, IMAGE)
