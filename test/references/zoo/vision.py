"""Convolutional classifiers, as their papers have them, at small widths."""
import torch
from torch import nn
from torch.nn import functional as F

from cases import classifier


def conv_bn(i, o, k, s=1, p=None, g=1, d=1, act=nn.ReLU):
    layers = [nn.Conv2d(i, o, k, s, (k // 2) * d if p is None else p, dilation=d, groups=g, bias=False), nn.BatchNorm2d(o)]
    return nn.Sequential(*layers, *([act()] if act else []))


class AlexNet(nn.Module):
    def __init__(self, classes=5):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 5, 2, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2), nn.Conv2d(8, 12, 5, padding=2), nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2), nn.Conv2d(12, 8, 3, padding=1), nn.ReLU(inplace=True))
        self.avgpool = nn.AdaptiveAvgPool2d((3, 3))
        self.classifier = nn.Sequential(nn.Dropout(), nn.Linear(72, 16), nn.ReLU(inplace=True), nn.Dropout(), nn.Linear(16, classes))

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


classifier("alexnet", AlexNet)


def vgg(plan, norm):
    layers, width = [], 3
    for p in plan:
        if p == "M":
            layers.append(nn.MaxPool2d(2, 2))
        else:
            layers += [nn.Conv2d(width, p, 3, padding=1), *([nn.BatchNorm2d(p)] if norm else []), nn.ReLU(inplace=True)]
            width = p
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(width * 4, 16), nn.ReLU(True), nn.Linear(16, 5))


classifier("vgg", lambda: vgg([4, "M", 8, "M", 8, 8, "M"], False))
classifier("vgg_bn", lambda: vgg([4, "M", 8, "M", 8, 8, "M"], True))


class BasicBlock(nn.Module):
    grow = 1

    def __init__(self, i, o, s=1, groups=1, width=1.0):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(i, o, 3, s, 1, bias=False), nn.BatchNorm2d(o)
        self.conv2, self.bn2 = nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = nn.Sequential(nn.Conv2d(i, o, 1, s, bias=False), nn.BatchNorm2d(o)) if s != 1 or i != o else None

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return self.relu(y + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    grow = 4

    def __init__(self, i, o, s=1, groups=1, width=1.0):
        super().__init__()
        w = int(o * width) * groups
        self.conv1, self.bn1 = nn.Conv2d(i, w, 1, bias=False), nn.BatchNorm2d(w)
        self.conv2, self.bn2 = nn.Conv2d(w, w, 3, s, 1, groups=groups, bias=False), nn.BatchNorm2d(w)
        self.conv3, self.bn3 = nn.Conv2d(w, o * 4, 1, bias=False), nn.BatchNorm2d(o * 4)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = nn.Sequential(nn.Conv2d(i, o * 4, 1, s, bias=False), nn.BatchNorm2d(o * 4)) if s != 1 or i != o * 4 else None

    def forward(self, x):
        y = self.relu(self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x))))))
        return self.relu(self.bn3(self.conv3(y)) + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    def __init__(self, block, counts, groups=1, width=1.0, classes=5, base=8):
        super().__init__()
        self.conv1, self.bn1, self.relu, self.maxpool = nn.Conv2d(3, base, 7, 2, 3, bias=False), nn.BatchNorm2d(base), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)
        i, layers = base, []
        for n, count in enumerate(counts):
            o = base * 2**n
            for k in range(count):
                layers.append(block(i, o, 2 if k == 0 and n else 1, groups, width))
                i = o * block.grow
        self.layers, self.avgpool, self.fc = nn.Sequential(*layers), nn.AdaptiveAvgPool2d((1, 1)), nn.Linear(i, classes)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        return self.fc(torch.flatten(self.avgpool(self.layers(x)), 1))


classifier("resnet18", lambda: ResNet(BasicBlock, [2, 2, 1]), (4, 3, 64, 64))
classifier("resnet50", lambda: ResNet(Bottleneck, [1, 2, 1], base=6), (4, 3, 64, 64))
classifier("resnext50", lambda: ResNet(Bottleneck, [1, 2], groups=4, width=0.5), (4, 3, 64, 64))
classifier("wide_resnet", lambda: ResNet(Bottleneck, [1, 1], width=2.0), (4, 3, 64, 64))


class DenseLayer(nn.Module):
    def __init__(self, i, growth):
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(i), nn.Conv2d(i, 4 * growth, 1, bias=False)
        self.norm2, self.conv2 = nn.BatchNorm2d(4 * growth), nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)

    def forward(self, xs):
        x = torch.cat(xs, 1)
        return self.conv2(F.relu(self.norm2(self.conv1(F.relu(self.norm1(x))))))


class DenseNet(nn.Module):
    def __init__(self, growth=4):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 7, 2, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(True), nn.MaxPool2d(3, 2, 1))
        self.block1 = nn.ModuleList(DenseLayer(8 + growth * k, growth) for k in range(3))
        self.transition = nn.Sequential(nn.BatchNorm2d(20), nn.ReLU(True), nn.Conv2d(20, 10, 1, bias=False), nn.AvgPool2d(2, 2))
        self.block2 = nn.ModuleList(DenseLayer(10 + growth * k, growth) for k in range(2))
        self.norm, self.fc = nn.BatchNorm2d(18), nn.Linear(18, 5)

    def dense(self, block, x):
        xs = [x]
        for layer in block:
            xs.append(layer(xs))
        return torch.cat(xs, 1)

    def forward(self, x):
        x = self.dense(self.block2, self.transition(self.dense(self.block1, self.stem(x))))
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(F.relu(self.norm(x), inplace=True), (1, 1)), 1))


classifier("densenet", DenseNet)


class Fire(nn.Module):
    def __init__(self, i, s, e):
        super().__init__()
        self.squeeze, self.expand1, self.expand3 = nn.Conv2d(i, s, 1), nn.Conv2d(s, e, 1), nn.Conv2d(s, e, 3, padding=1)

    def forward(self, x):
        x = F.relu(self.squeeze(x))
        return torch.cat([F.relu(self.expand1(x)), F.relu(self.expand3(x))], 1)


classifier("squeezenet", lambda: nn.Sequential(
    nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(True), nn.MaxPool2d(3, 2, ceil_mode=True), Fire(8, 4, 8), Fire(16, 4, 8),
    nn.MaxPool2d(3, 2, ceil_mode=True), Fire(16, 6, 8), nn.Dropout(0.5), nn.Conv2d(16, 5, 1), nn.ReLU(True), nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten()),
    (4, 3, 37, 37))


class Inception(nn.Module):
    def __init__(self, i):
        super().__init__()
        self.b1 = conv_bn(i, 4, 1)
        self.b2 = nn.Sequential(conv_bn(i, 4, 1), conv_bn(4, 6, 3))
        self.b3 = nn.Sequential(conv_bn(i, 3, 1), conv_bn(3, 4, 5))
        self.b4 = nn.Sequential(nn.MaxPool2d(3, 1, 1, ceil_mode=True), conv_bn(i, 3, 1))

    def forward(self, x):
        return torch.cat([self.b1(x), self.b2(x), self.b3(x), self.b4(x)], 1)


classifier("googlenet", lambda: nn.Sequential(
    conv_bn(3, 8, 7, 2), nn.MaxPool2d(3, 2, ceil_mode=True), Inception(8), nn.MaxPool2d(3, 2, ceil_mode=True), Inception(17),
    nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(), nn.Dropout(0.2), nn.Linear(17, 5)))


class InceptionC(nn.Module):
    """Inception v3: asymmetric convolutions, average pooling that leaves the padding out."""

    def __init__(self, i):
        super().__init__()
        self.a = conv_bn(i, 4, 1)
        self.b = nn.Sequential(conv_bn(i, 4, 1), nn.Conv2d(4, 4, (1, 7), padding=(0, 3), bias=False), nn.Conv2d(4, 4, (7, 1), padding=(3, 0), bias=False), nn.BatchNorm2d(4, eps=0.001))
        self.c = conv_bn(i, 4, 1)

    def forward(self, x):
        pooled = F.avg_pool2d(x, kernel_size=3, stride=1, padding=1, count_include_pad=False)
        return torch.cat([self.a(x), F.relu(self.b(x)), self.c(pooled), F.max_pool2d(x, 3, 1, 1)], 1)


classifier("inception_v3", lambda: nn.Sequential(
    conv_bn(3, 6, 3, 2, 0), InceptionC(6), nn.MaxPool2d(3, 2), InceptionC(18), nn.AvgPool2d(3, 2, ceil_mode=True, count_include_pad=False),
    nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(30, 5)))


class RepVgg(nn.Module):
    def __init__(self, i, o, s=1):
        super().__init__()
        self.dense, self.point = conv_bn(i, o, 3, s, act=None), conv_bn(i, o, 1, s, act=None)
        self.identity = nn.BatchNorm2d(i) if i == o and s == 1 else None

    def forward(self, x):
        y = self.dense(x) + self.point(x)
        return F.relu(y if self.identity is None else y + self.identity(x))


classifier("repvgg", lambda: nn.Sequential(RepVgg(3, 8, 2), RepVgg(8, 8), RepVgg(8, 12, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 5)))


class ScaledConv(nn.Conv2d):
    """Weight standardisation. https://arxiv.org/abs/1903.10520"""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.gain = nn.Parameter(torch.ones(self.out_channels, 1, 1, 1))

    def forward(self, x):
        var, mean = torch.var_mean(self.weight, dim=[1, 2, 3], keepdim=True)
        fan = self.weight[0].numel()
        weight = (self.weight - mean) * torch.rsqrt(torch.maximum(var * fan, torch.tensor(1e-4))) * self.gain
        return F.conv2d(x, weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class NfBlock(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.conv1, self.conv2 = ScaledConv(c, c, 3, padding=1), ScaledConv(c, c, 3, padding=1, groups=2)
        self.skip_gain = nn.Parameter(torch.zeros(()))

    def forward(self, x):
        y = self.conv2(F.gelu(self.conv1(F.gelu(x) * 1.7 / 1.2)) * 1.7)
        return x + y * self.skip_gain * 0.2


class WsConv(nn.Conv2d):
    """As big transfer has it: batch norm of the weights, by the functional form that timm uses."""

    def forward(self, x):
        w = F.batch_norm(self.weight.reshape(1, self.out_channels, -1), None, None, training=True, momentum=0.0, eps=1e-6).reshape_as(self.weight)
        return F.conv2d(x, w, self.bias, self.stride, self.padding, self.dilation, self.groups)


classifier("nfnet", lambda: nn.Sequential(ScaledConv(3, 8, 3, 2, 1), NfBlock(8), nn.AvgPool2d(2, 2), NfBlock(8), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)))
classifier("bit_resnet", lambda: nn.Sequential(WsConv(3, 8, 3, 2, 1), nn.GroupNorm(4, 8), nn.ReLU(), WsConv(8, 8, 3, 1, 1), nn.GroupNorm(2, 8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)))


class Dpn(nn.Module):
    """Dual path: part of the channels is added, part is joined."""

    def __init__(self, i, add, new):
        super().__init__()
        self.add = add
        self.body = nn.Sequential(conv_bn(i, 8, 1), conv_bn(8, 8, 3, g=4), nn.Conv2d(8, add + new, 1))

    def forward(self, x):
        y = self.body(x)
        return torch.cat([x[:, : self.add] + y[:, : self.add], x[:, self.add :], y[:, self.add :]], dim=1)


classifier("dpn", lambda: nn.Sequential(conv_bn(3, 10, 3, 2), Dpn(10, 6, 3), Dpn(13, 6, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 5)))


class Res2(nn.Module):
    """Res2Net: splits that feed each other."""

    def __init__(self, c=12, scale=3):
        super().__init__()
        self.scale = scale
        self.convs = nn.ModuleList(nn.Conv2d(c // scale, c // scale, 3, padding=1) for _ in range(scale - 1))

    def forward(self, x):
        parts = torch.chunk(x, self.scale, 1)
        out, y = [parts[0]], None
        for part, conv in zip(parts[1:], self.convs):
            y = F.relu(conv(part if y is None else y + part))
            out.append(y)
        return torch.cat(out, 1)


classifier("res2net", lambda: nn.Sequential(conv_bn(3, 12, 3, 2), Res2(), conv_bn(12, 12, 3, 2), Res2(), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(12, 5)))


class Split(nn.Module):
    """ResNeSt: radix softmax over groups."""

    def __init__(self, c=8, radix=2):
        super().__init__()
        self.radix, self.c = radix, c
        self.conv, self.bn = nn.Conv2d(c, c * radix, 3, padding=1, groups=2, bias=False), nn.BatchNorm2d(c * radix)
        self.fc1, self.fc2 = nn.Conv2d(c, 4, 1), nn.Conv2d(4, c * radix, 1)

    def forward(self, x):
        x = F.relu(self.bn(self.conv(x)))
        b, rc, h, w = x.shape
        x = x.reshape(b, self.radix, self.c, h, w)
        a = self.fc2(F.relu(self.fc1(x.sum(dim=1).mean((2, 3), keepdim=True))))
        a = F.softmax(a.view(b, 1, self.radix, -1).transpose(1, 2), dim=1).reshape(b, -1, 1, 1)
        return (x * a.reshape(b, self.radix, self.c, 1, 1)).sum(dim=1)


classifier("resnest", lambda: nn.Sequential(conv_bn(3, 8, 3, 2), Split(), Split(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)))


class Selective(nn.Module):
    """SKNet."""

    def __init__(self, c=8):
        super().__init__()
        self.branches = nn.ModuleList(conv_bn(c, c, 3, d=d, g=2) for d in (1, 2))
        self.squeeze = nn.Linear(c, 4)
        self.excite = nn.ModuleList(nn.Linear(4, c) for _ in range(2))

    def forward(self, x):
        feats = torch.stack([b(x) for b in self.branches], dim=1)
        z = F.relu(self.squeeze(feats.sum(1).mean(dim=(-1, -2))))
        attention = torch.stack([e(z) for e in self.excite], dim=1).softmax(1)
        return (feats * attention[..., None, None]).sum(1)


classifier("sknet", lambda: nn.Sequential(conv_bn(3, 8, 3, 2), Selective(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)))
