"""Every activation, loss, pool and normalisation of torch.nn."""
import copy

import torch
from torch import nn
from torch.nn import functional as F

from cases import add, generator, net, score

# --------------------------------------------------------------------------------------------------------------------- activations
acts = {
    "CELU": nn.CELU(1.3), "ELU": nn.ELU(0.7), "GELU": nn.GELU(), "GELUtanh": nn.GELU("tanh"), "GLU": nn.GLU(1), "Hardshrink": nn.Hardshrink(0.4), "Hardsigmoid": nn.Hardsigmoid(),
    "Hardswish": nn.Hardswish(), "Hardtanh": nn.Hardtanh(-0.7, 1.1), "LeakyReLU": nn.LeakyReLU(0.1), "LogSigmoid": nn.LogSigmoid(), "LogSoftmax": nn.LogSoftmax(1), "Mish": nn.Mish(),
    "PReLU": nn.PReLU(), "PReLU6": nn.PReLU(6), "ReLU": nn.ReLU(), "ReLU6": nn.ReLU6(), "RReLU": nn.RReLU(), "SELU": nn.SELU(), "SiLU": nn.SiLU(), "Sigmoid": nn.Sigmoid(), "Softmax": nn.Softmax(1),
    "Softmax2d": nn.Softmax2d(), "Softmin": nn.Softmin(1), "Softplus": nn.Softplus(2.0, 5.0), "Softplus1": nn.Softplus(), "Softshrink": nn.Softshrink(0.3), "Softsign": nn.Softsign(), "Tanh": nn.Tanh(),
    "Tanhshrink": nn.Tanhshrink(), "Threshold": nn.Threshold(0.1, 0.5), "Identity": nn.Identity(), "Flatten": nn.Flatten(), "ChannelShuffle": nn.ChannelShuffle(3), "AlphaDropout": nn.AlphaDropout(0.0),
}
for name, act in acts.items():
    net(f"act.{name}", lambda act=act: nn.Sequential(nn.Conv2d(3, 6, 1), copy.deepcopy(act), nn.Flatten(1), nn.Linear(9 * (3 if isinstance(act, nn.GLU) else 6), 4)), (4, 3, 3, 3))

# -------------------------------------------------------------------------------------------------------------------------- losses
long, floats, probability = "long", "floats", "probability"
losses = {
    "L1": (nn.L1Loss(), floats), "MSE": (nn.MSELoss(), floats), "MSEsum": (nn.MSELoss(reduction="sum"), floats), "SmoothL1": (nn.SmoothL1Loss(), floats), "SmoothL1beta": (nn.SmoothL1Loss(beta=0.3), floats),
    "Huber": (nn.HuberLoss(delta=0.6), floats), "CE": (nn.CrossEntropyLoss(), long), "CEsmooth": (nn.CrossEntropyLoss(label_smoothing=0.1), long),
    "CEweight": (nn.CrossEntropyLoss(weight=torch.tensor([0.3, 1.2, 0.7, 2.0, 1.0])), long), "CEignore": (nn.CrossEntropyLoss(ignore_index=2), long), "CEsum": (nn.CrossEntropyLoss(reduction="sum"), long),
    "CEsoft": (nn.CrossEntropyLoss(), "soft"), "KL": (lambda x, y: F.kl_div(x.log_softmax(1), y, reduction="batchmean"), "soft"), "KLlog": (lambda x, y: F.kl_div(x.log_softmax(1), y.log(), reduction="sum", log_target=True), "soft"),
    "NLL": (lambda x, y: F.nll_loss(x.log_softmax(1), y), long), "BCE": (lambda x, y: F.binary_cross_entropy(x.sigmoid(), y), probability), "BCElogits": (nn.BCEWithLogitsLoss(), probability),
    "BCEweight": (nn.BCEWithLogitsLoss(pos_weight=torch.tensor([0.3, 1.2, 0.7, 2.0, 1.0])), probability), "Hinge": (lambda x, y: F.hinge_embedding_loss(x, y.sign()), floats), "SoftMargin": (lambda x, y: F.soft_margin_loss(x, y.sign()), floats),
    "MultiMargin": (nn.MultiMarginLoss(), long), "MultiLabelSoft": (nn.MultiLabelSoftMarginLoss(), probability), "PoissonNLL": (nn.PoissonNLLLoss(), probability), "PoissonFull": (nn.PoissonNLLLoss(log_input=False, eps=1e-3), probability),
    "GaussianNLL": (lambda x, y: F.gaussian_nll_loss(x, y, x.square() + 0.1), floats), "CosineEmbedding": (lambda x, y: F.cosine_embedding_loss(x, y, y[:, 0].sign()), floats),
    "Triplet": (lambda x, y: F.triplet_margin_loss(x, y, y.flip(1)), floats), "TripletDistance": (lambda x, y: F.triplet_margin_with_distance_loss(x, y, y.flip(1), distance_function=lambda a, b: 1 - F.cosine_similarity(a, b)), floats),
    "MarginRanking": (lambda x, y: F.margin_ranking_loss(x, y, (y + 0.1).sign(), margin=0.2), floats), "Dice": (lambda x, y: 1 - 2 * (x.sigmoid() * y).sum() / (x.sigmoid().sum() + y.sum()), probability),
    "LogCosh": (lambda x, y: (F.softplus(-2 * (x - y)) + (x - y)).mean(), floats), "Contrastive": (lambda x, y: F.cross_entropy(F.normalize(x) @ F.normalize(y).t() / 0.1, torch.arange(x.shape[0])), floats),
    "SupCon": (lambda x, y: -(F.log_softmax(F.normalize(x) @ F.normalize(x).t() - 1e4 * torch.eye(x.shape[0]), 1) * (1 - torch.eye(x.shape[0]))).sum(1).mean(), floats),
    "Quantile": (lambda x, y: torch.maximum(0.3 * (y - x), -0.7 * (y - x)).mean(), floats), "Wasserstein": (lambda x, y: (x.softmax(1).cumsum(1) - y.softmax(1).cumsum(1)).abs().sum(1).mean(), floats),
    "ListNet": (lambda x, y: -(y.softmax(1) * x.log_softmax(1)).sum(1).mean(), floats), "CRF": (lambda x, y: torch.logsumexp(torch.logsumexp(x[:, :, None] + x[:, None, :], 1), 1).mean(), floats),
    "Focal": (lambda x, y: ((1 - x.softmax(1).gather(1, y[:, None])[:, 0]) ** 2 * F.cross_entropy(x, y, reduction="none")).mean(), long), "ArcFace": (lambda x, y: arc(x, y), long), "Barlow": (lambda x, y: barlow(x, y), floats), "VicReg": (lambda x, y: vicreg(x, y), floats),
    "NCE": (lambda x, y: -(F.logsigmoid(x[:, 0]) + F.logsigmoid(-x[:, 1:]).sum(1)).mean() + y.float().mean() * 0, long),
}


def arc(x, y):
    cos = F.normalize(x).clamp(-0.99, 0.99)
    turned = torch.cos(torch.acos(cos) + 0.3)
    hot = F.one_hot(y, 5).to(x.dtype)
    return F.cross_entropy(8 * torch.where(hot > 0, turned, cos), y)


def barlow(x, y):
    a, b = (x - x.mean(0)) / x.std(0), (y - y.mean(0)) / y.std(0)
    c = a.t() @ b / x.shape[0]
    on = torch.diagonal(c).add(-1).pow(2).sum()
    return on + 0.05 * (c * (1 - torch.eye(5))).pow(2).sum()


def vicreg(x, y):
    x = x - x.mean(dim=0)
    std = torch.sqrt(x.var(dim=0) + 0.0001)
    cov = (x.T @ x) / (x.shape[0] - 1)
    return F.relu(1 - std).mean() + (cov.pow(2).sum() - torch.diagonal(cov).pow(2).sum()) / 5 + F.mse_loss(x, y)


class Lossy(nn.Module):
    def __init__(self, loss):
        super().__init__()
        self.fc, self.loss = nn.Linear(6, 5), loss

    def forward(self, x, y):
        return self.loss(self.fc(x), y)


for name, (loss, kind) in losses.items():
    g = generator("loss" + name)
    y = {"long": lambda: torch.randint(0, 5, (6,), generator=g), "floats": lambda: torch.randn(6, 5, generator=g), "probability": lambda: torch.rand(6, 5, generator=g), "soft": lambda: torch.randn(6, 5, generator=g).softmax(1)}[kind]()
    add(f"loss.{name}", lambda loss=loss: Lossy(copy.deepcopy(loss)), (torch.randn(6, 6, generator=g), y), ("x", "y"), dynamic=(0, 1), train=name in ("CE", "CEweight", "NLL"))

# --------------------------------------------------------------------------------------------------------------------------- pools
pools = {
    "MaxPool2d": nn.MaxPool2d(2), "MaxPool2dstride1": nn.MaxPool2d(3, 1), "MaxPool2dpad": nn.MaxPool2d(3, 2, 1), "MaxPool2dceil": nn.MaxPool2d(3, 2, ceil_mode=True), "MaxPool2dceilpad": nn.MaxPool2d((3, 2), (2, 3), (1, 0), ceil_mode=True),
    "MaxPool2ddilated": nn.MaxPool2d(2, 2, dilation=2), "MaxPool2ddilatedpad": nn.MaxPool2d(3, 1, 1, dilation=2, ceil_mode=True), "AvgPool2d": nn.AvgPool2d(2), "AvgPool2dpad": nn.AvgPool2d(3, 2, 1), "AvgPool2dnotpad": nn.AvgPool2d(3, 2, 1, count_include_pad=False),
    "AvgPool2dceil": nn.AvgPool2d(3, 2, 1, ceil_mode=True), "AvgPool2dceilnotpad": nn.AvgPool2d((2, 3), (3, 2), (1, 1), ceil_mode=True, count_include_pad=False), "AvgPool2ddivisor": nn.AvgPool2d(3, 2, divisor_override=5), "LPPool2d": nn.LPPool2d(2, 3, 2),
    "LPPool2d1": nn.LPPool2d(1.0, 2), "LPPool2d3": nn.LPPool2d(3, 2, ceil_mode=True), "AdaptiveAvg1": nn.AdaptiveAvgPool2d(1), "AdaptiveAvg": nn.AdaptiveAvgPool2d((3, 2)), "AdaptiveAvgkept": nn.AdaptiveAvgPool2d((None, 1)), "AdaptiveMax1": nn.AdaptiveMaxPool2d(1),
    "AdaptiveMax": nn.AdaptiveMaxPool2d((3, 2)), "AdaptiveAvguneven": nn.AdaptiveAvgPool2d((4, 5)), "AdaptiveMaxuneven": nn.AdaptiveMaxPool2d((4, 5)),
}
for name, pool in pools.items():
    net(f"pool.{name}", lambda pool=pool: nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), pool), (2, 2, 9, 8), skip=("ts",) if "uneven" in name else ())
line = {"MaxPool1d": nn.MaxPool1d(3, 2, 1), "MaxPool1dceil": nn.MaxPool1d(3, 2, ceil_mode=True), "AvgPool1d": nn.AvgPool1d(3, 2, 1), "AvgPool1dceil": nn.AvgPool1d(3, 2, 1, ceil_mode=True, count_include_pad=False), "LPPool1d": nn.LPPool1d(2, 3, 2),
        "AdaptiveAvgPool1d": nn.AdaptiveAvgPool1d(2), "AdaptiveMaxPool1d": nn.AdaptiveMaxPool1d(1), "MaxPool1dones": nn.Sequential(nn.ReLU(), nn.MaxPool1d(2, 2))}
for name, pool in line.items():
    net(f"pool.{name}", lambda pool=pool: nn.Sequential(nn.Conv1d(2, 3, 3, padding=1), pool), (2, 2, 8))
space = {"MaxPool3d": nn.MaxPool3d(2, 1), "MaxPool3dceil": nn.MaxPool3d((2, 3, 2), 2, (0, 1, 0), ceil_mode=True), "AvgPool3d": nn.AvgPool3d(2, 2, 1), "AvgPool3dceil": nn.AvgPool3d((2, 3, 2), 2, ceil_mode=True, count_include_pad=False), "AdaptiveAvgPool3d": nn.AdaptiveAvgPool3d((1, 2, 1)),
         "AdaptiveMaxPool3d": nn.AdaptiveMaxPool3d(1), "LPPool3d": nn.LPPool3d(2, 2)}
for name, pool in space.items():
    net(f"pool.{name}", lambda pool=pool: nn.Sequential(nn.Conv3d(2, 3, 1), pool), (2, 2, 4, 6, 4), skip=("ts",) if name == "LPPool3d" else ())
net("pool.zeros", lambda: nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2, 1), nn.Hardtanh(0, 0.4), nn.MaxPool2d(2)), (2, 2, 12, 12))


class Unpool(nn.Module):
    """SegNet."""

    def __init__(self):
        super().__init__()
        self.c, self.pool, self.unpool, self.d = nn.Conv2d(2, 3, 3, padding=1), nn.MaxPool2d(2, 2, return_indices=True), nn.MaxUnpool2d(2, 2), nn.Conv2d(3, 2, 3, padding=1)

    def forward(self, x):
        y, at = self.pool(self.c(x))
        return self.d(self.unpool(y * 1.5, at))


net("pool.MaxUnpool2d", Unpool, (2, 2, 6, 8), dynamic=())

# ------------------------------------------------------------------------------------------------------------------- normalisations
norms = {
    "BatchNorm2d": nn.BatchNorm2d(6), "BatchNorm2dplain": nn.BatchNorm2d(6, affine=False), "BatchNorm2dbatch": nn.BatchNorm2d(6, track_running_stats=False), "BatchNorm2dcumulative": nn.BatchNorm2d(6, momentum=None), "GroupNorm": nn.GroupNorm(3, 6), "GroupNorm1": nn.GroupNorm(1, 6),
    "GroupNorm6": nn.GroupNorm(6, 6, affine=False), "InstanceNorm2d": nn.InstanceNorm2d(6), "InstanceNorm2daffine": nn.InstanceNorm2d(6, affine=True), "InstanceNorm2drunning": nn.InstanceNorm2d(6, affine=True, track_running_stats=True),
    "LayerNorm": nn.LayerNorm([6, 5, 4]), "LayerNorm1": nn.LayerNorm(4), "LayerNorm2": nn.LayerNorm([5, 4], bias=False), "LayerNormplain": nn.LayerNorm(4, elementwise_affine=False), "RMSNorm": nn.RMSNorm(4), "RMSNorm2": nn.RMSNorm([5, 4], eps=1e-3), "RMSNormplain": nn.RMSNorm(4, elementwise_affine=False),
    "LocalResponseNorm": nn.LocalResponseNorm(3, alpha=0.1, beta=0.6, k=1.5), "CrossMapLRN2d": nn.LocalResponseNorm(4),
}
for name, norm in norms.items():
    net(f"norm.{name}", lambda norm=norm: nn.Sequential(nn.Conv2d(3, 6, 1), copy.deepcopy(norm), nn.Conv2d(6, 4, 1)), (3, 3, 5, 4), train=True)
net("norm.BatchNorm1d", lambda: nn.Sequential(nn.Linear(5, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3)), (6, 5), train=True)
net("norm.BatchNorm1dtime", lambda: nn.Sequential(nn.Conv1d(3, 6, 1), nn.BatchNorm1d(6), nn.ReLU()), (3, 3, 5), train=True)
net("norm.BatchNorm3d", lambda: nn.Sequential(nn.Conv3d(2, 4, 1), nn.BatchNorm3d(4), nn.ReLU()), (2, 2, 3, 4, 3), train=True)
net("norm.InstanceNorm1d", lambda: nn.Sequential(nn.Conv1d(3, 6, 1), nn.InstanceNorm1d(6, affine=True)), (3, 3, 7), train=True)
net("norm.InstanceNorm3d", lambda: nn.Sequential(nn.Conv3d(2, 4, 1), nn.InstanceNorm3d(4, affine=True)), (2, 2, 3, 4, 3), train=True)
net("norm.weight_norm", lambda: nn.Sequential(nn.utils.weight_norm(nn.Conv1d(3, 4, 3)), nn.utils.parametrizations.weight_norm(nn.Conv1d(4, 4, 3)), nn.utils.parametrizations.weight_norm(nn.Conv1d(4, 4, 3), dim=1)), (2, 3, 9))
net("norm.spectral_norm", lambda: nn.Sequential(nn.utils.spectral_norm(nn.Linear(5, 6)), nn.utils.parametrizations.spectral_norm(nn.Linear(6, 4))), (4, 5))
net("norm.orthogonal", lambda: nn.Sequential(nn.utils.parametrizations.orthogonal(nn.Linear(4, 4), orthogonal_map="cayley")), (4, 4), skip=("ts", "dynamo"))

# -------------------------------------------------------------------------------------------------------------- convolutions, paddings
convs = {
    "same": nn.Conv2d(3, 4, 3, padding="same"), "same_even": nn.Conv2d(3, 4, 4, padding="same"), "same_dilated": nn.Conv2d(3, 4, (2, 3), padding="same", dilation=(2, 1)), "valid": nn.Conv2d(3, 4, 3, padding="valid", stride=2), "reflect": nn.Conv2d(3, 4, 3, padding=2, padding_mode="reflect"),
    "circular": nn.Conv2d(3, 4, 3, padding=(1, 2), padding_mode="circular"), "replicate": nn.Conv2d(3, 4, 3, padding=2, padding_mode="replicate"), "depth_multiplied": nn.Conv2d(3, 6, 3, groups=3), "strided_dilated": nn.Conv2d(3, 4, 3, stride=(2, 3), dilation=(2, 1), padding=(2, 1)),
    "point_strided": nn.Conv2d(3, 4, 1, stride=2, padding=1), "large": nn.Conv2d(3, 4, 7), "transposed": nn.ConvTranspose2d(3, 4, 3), "transposed_strided": nn.ConvTranspose2d(3, 4, (3, 4), stride=(2, 3), padding=(1, 2), output_padding=(1, 0)),
    "transposed_dilated": nn.ConvTranspose2d(3, 6, 3, stride=2, dilation=2, groups=3, padding=2), "transposed_point": nn.ConvTranspose2d(3, 4, 1, stride=3), "zero_pad": nn.Sequential(nn.ZeroPad2d((1, 2, 0, 1)), nn.Conv2d(3, 4, 2)),
    "constant_pad": nn.Sequential(nn.ConstantPad2d(1, 0.7), nn.Conv2d(3, 4, 2)), "reflection_pad": nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReflectionPad2d((2, 1, 1, 2))), "replication_pad": nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReplicationPad2d((2, 1, 1, 2))),
    "circular_pad": nn.Sequential(nn.Conv2d(3, 4, 1), nn.CircularPad2d((2, 1, 1, 2))),
}
for name, conv in convs.items():
    net(f"conv.{name}", lambda conv=conv: copy.deepcopy(conv), (2, 3, 7, 8))
net("conv.1d", lambda: nn.Sequential(nn.Conv1d(3, 4, 3, stride=2, padding=1), nn.ConvTranspose1d(4, 3, 4, 2, 1), nn.Conv1d(3, 6, 3, groups=3, dilation=2)), (2, 3, 11))
net("conv.3d", lambda: nn.Sequential(nn.Conv3d(2, 4, (1, 3, 3), padding=(0, 1, 1), groups=2), nn.ConvTranspose3d(4, 3, 3, 2, 1), nn.Conv3d(3, 2, (2, 1, 3), dilation=(1, 1, 2))), (2, 2, 3, 5, 4))
