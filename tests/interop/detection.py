"""Whole detection models of torchvision, recorded in Python for vesta_conformance.

usage: detection.py FOLDER [--small]

Writes entries (docs/conformance.md has their form): an archive, its inputs, and what torch::jit answers. Weights are random, and
thresholds are low, so that there is something to detect. --small: only the model that the ordinary tests carry, without the
records of torchvision's source.
"""

import argparse
import json
import pathlib
import tempfile
import zipfile

import torch
import torchvision
from torch import Tensor, nn
from torchvision.models.detection import (FasterRCNN, MaskRCNN, fasterrcnn_mobilenet_v3_large_320_fpn,
                                          ssdlite320_mobilenet_v3_large)
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import TwoMLPHead
from torchvision.ops import MultiScaleRoIAlign


def save_values(path, types, **values):
    module = torch._C.ScriptModule("io", torch._C.CompilationUnit(), True)
    for name, value in values.items():
        kind = types[name] if name in types else torch._C._jit_try_infer_type(value).type()
        module._register_attribute(name, kind, value)
    module.save(str(path))


def without_source(path):
    """The archive without the records of its source, which is not ours."""
    with zipfile.ZipFile(path) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist() if not name.endswith(".debug_pkl")]
    with zipfile.ZipFile(path, "w") as archive:
        for name, contents in members:
            archive.writestr(zipfile.ZipInfo(name), contents)


def entry(folder, name, model, images, small=False):
    place = pathlib.Path(folder) / name
    place.mkdir(parents=True, exist_ok=True)
    scripted = torch.jit.script(model.eval())
    scripted.save(str(place / "program.pt"))
    if small:
        without_source(place / "program.pt")
    loaded = torch.jit.load(str(place / "program.pt"))
    types = {"outputs": scripted.forward.schema.returns[0].type}
    torch.manual_seed(1234)
    with torch.no_grad():
        outputs = loaded._c._get_method("forward")(images, None)
    found = [len(one["boxes"]) for one in outputs[1]]
    if 0 in found:
        raise SystemExit(f"{name}: nothing is detected")
    inputs = (images, None)
    types["inputs"] = types["inputs_after"] = torch._C.TupleType([torch._C.ListType(torch._C.TensorType.get()),
                                                                  torch._C.NoneType.get()])
    save_values(place / "io_ts.pt", types, inputs=inputs, inputs_after=inputs, outputs=outputs, stdout="")
    meta = dict(test=name, method="forward", outcome="returns", stdout="", seed=1234, grad_enabled=False,
                default_dtype="float32", mutates_inputs=False, exception=None)
    (place / "meta.json").write_text(json.dumps(meta, indent=1) + "\n")
    print(f"{name}: {(place / 'program.pt').stat().st_size} bytes, {found} boxes")


class Backbone(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, channels, 3, 4, 1), nn.ReLU(), nn.Conv2d(channels, channels, 3, 2, 1), nn.ReLU())
        self.out_channels = channels

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def small_model():
    channels = 8
    pool = MultiScaleRoIAlign(featmap_names=["0"], output_size=3, sampling_ratio=2)
    return FasterRCNN(Backbone(channels), num_classes=None, min_size=64, max_size=96,
                      rpn_anchor_generator=AnchorGenerator(((8, 16, 32),), ((0.5, 1.0, 2.0),)), box_roi_pool=pool,
                      box_head=TwoMLPHead(channels * 9, 16), box_predictor=predictor(16, 3), rpn_post_nms_top_n_test=20,
                      rpn_pre_nms_top_n_test=60, box_score_thresh=0.0, box_detections_per_img=8)


def predictor(size, classes):
    return torchvision.models.detection.faster_rcnn.FastRCNNPredictor(size, classes)


def images(count, size):
    torch.manual_seed(5)
    return [torch.rand(3, size + 8 * i, size + 24 * i) for i in range(count)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--small", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(3)
    if arguments.small:
        return entry(arguments.folder, "small_faster_rcnn", small_model(), images(2, 56), small=True)
    few = dict(weights=None, weights_backbone=None, num_classes=5)
    entry(arguments.folder, "small_faster_rcnn", small_model(), images(2, 56))
    entry(arguments.folder, "ssdlite320_mobilenet_v3_large",
          ssdlite320_mobilenet_v3_large(**few, score_thresh=0.0, detections_per_img=30, topk_candidates=50), images(2, 200))
    entry(arguments.folder, "fasterrcnn_mobilenet_v3_large_320_fpn",
          fasterrcnn_mobilenet_v3_large_320_fpn(**few, box_score_thresh=0.0, rpn_score_thresh=0.0,
                                                box_detections_per_img=20), images(2, 180))
    channels = 16
    masks = MaskRCNN(Backbone(channels), num_classes=3, min_size=96, max_size=128, box_score_thresh=0.0, box_detections_per_img=6,
                     rpn_anchor_generator=AnchorGenerator(((8, 16, 32),), ((0.5, 1.0, 2.0),)),
                     box_roi_pool=MultiScaleRoIAlign(["0"], 7, 2), mask_roi_pool=MultiScaleRoIAlign(["0"], 14, 2))
    entry(arguments.folder, "mask_rcnn", masks, images(1, 90))


if __name__ == "__main__":
    main()
