"""torchvision's architectures, each scripted and traced, with weights that the test fills in."""

import functools

import torch
import torchvision
from torchvision.models.detection.transform import GeneralizedRCNNTransform

import registry
from values import C, D, L, T, randint

TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}

# name, how to make it, side of the square input
ARCHITECTURES = [
    ("resnet18", {}, 64),
    ("resnet50", {}, 64),
    ("mobilenet_v2", {}, 64),
    ("mobilenet_v3_small", {}, 64),
    ("efficientnet_b0", {}, 64),
    ("squeezenet1_1", {}, 64),
    ("densenet121", {}, 64),
    ("googlenet", {"init_weights": False, "aux_logits": True, "transform_input": True}, 64),
    ("inception_v3", {"init_weights": False, "aux_logits": True, "transform_input": True}, 96),
    ("vgg11", {}, 64),
    ("shufflenet_v2_x1_0", {}, 64),
    ("convnext_tiny", {}, 64),
    ("vit_b_16", {}, 224),
    ("swin_t", {}, 64),
    ("lraspp_mobilenet_v3_large", {"weights": None, "weights_backbone": None}, 64),
]


# The others have hundreds of classes: without their source ranges the archives are half the size.
KEEP_DEBUG = ("resnet18", "squeezenet1_1", "vgg11", "convnext_tiny", "vit_b_16")


def image(side, **more):
    return T(1, 3, side, side, seed=3, **more)


def make(name, options):
    torch.manual_seed(0)
    find = getattr(torchvision.models, name, None) or getattr(torchvision.models.segmentation, name)
    return find(**options).eval()


def script(name, options):
    return torch.jit.script(make(name, options))


def trace(name, options, side):
    example = torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(3))
    return torch.jit.trace(make(name, options), example, check_trace=False, strict=False)


for _name, _options, _side in ARCHITECTURES:
    # A scripted model takes any size and batch; a traced one has its sizes baked in.
    _calls = [C(image(_side)), C(T(2, 3, _side, _side, seed=4, channels_last=True))]
    registry.add(registry.Program(
        f"vision_{_name}_scripted", functools.partial(script, _name, _options), _calls,
        fill=True, tolerance=TOLERANCE, tags=("vision", "large"), drop_debug=_name not in KEEP_DEBUG))
    registry.add(registry.Program(
        f"vision_{_name}_traced", functools.partial(trace, _name, _options, _side), [C(image(_side))],
        how="trace", fill=True, tolerance=TOLERANCE, tags=("vision", "large"),
        drop_debug=_name not in KEEP_DEBUG[:3]))


def rcnn_transform():
    return torch.jit.script(GeneralizedRCNNTransform(48, 80, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]).eval())


_boxes = {"boxes": [[1.0, 2.0, 20.0, 30.0], [4.0, 4.0, 9.0, 12.0]]}
registry.add(registry.Program(
    "vision_generalized_rcnn_transform", rcnn_transform,
    [
        C(L("Tensor", T(3, 40, 60, init="uniform"), T(3, 50, 33, init="uniform", seed=1))),
        C(L("Tensor", T(3, 40, 60, init="uniform")),
          L("Dict[str, Tensor]", D("str", "Tensor",
                                   ["boxes", T(2, 4, init="data", data=sum(_boxes["boxes"], []))],
                                   ["labels", randint(0, 5, 2)]))),
        C(L("Tensor", T(3, 40, init="uniform")), expect="error"),
    ],
    tags=("vision", "classes", "containers")))


class Classifier(torch.nn.Module):
    """A backbone with a head, trained for a step: batch statistics, gradients of every weight."""

    def __init__(self):
        super().__init__()
        self.backbone = torchvision.models.resnet18(num_classes=16)
        self.head = torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Linear(16, 4))

    def forward(self, x: torch.Tensor, target: torch.Tensor):
        logits = self.head(self.backbone(x))
        return torch.nn.functional.cross_entropy(logits, target), logits


registry.add(registry.Program(
    "vision_resnet18_training", lambda: torch.jit.script(Classifier().train()),
    [C(T(4, 3, 32, 32, seed=1), randint(0, 4, 4, seed=2)), C(T(4, 3, 32, 32, seed=5), randint(0, 4, 4, seed=6))],
    fill=True, grad=True, tolerance={"rtol": 1e-3, "atol": 1e-4}, tags=("vision", "training", "large")))
