"""What the pixels of published data sets' masks mean."""

from __future__ import annotations

from nastk.annotations.sets import IGNORED, Legend

# SegNet's eleven classes; 11 is what has no label.
CAMVID = Legend(
    (
        *("sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian"),
        "bicyclist",
    ),
    tuple(range(11)),
    frozenset({11, IGNORED}),
)
VOC = Legend(
    (
        *(
            "background",
            "aeroplane",
            "bicycle",
            "bird",
            "boat",
            "bottle",
            "bus",
            "car",
            "cat",
            "chair",
            "cow",
        ),
        *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train"),
        "tvmonitor",
    ),
    tuple(range(21)),
    frozenset({IGNORED}),
)
_CITY_CLASSES = (
    *("road", "sidewalk", "building", "wall", "fence", "pole", "traffic light", "traffic sign", "vegetation"),
    *("terrain", "sky", "person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle"),
)
_CITY_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
# By what the files' names end in, the form that is trained on first.
CITYSCAPES = {
    "_gtFine_labelTrainIds": Legend(_CITY_CLASSES, tuple(range(19)), frozenset({IGNORED})),
    "_gtFine_labelIds": Legend(_CITY_CLASSES, _CITY_IDS, frozenset({*range(34), IGNORED} - {*_CITY_IDS})),
}
