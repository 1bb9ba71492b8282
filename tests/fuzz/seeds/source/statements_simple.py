import torch
import torch.nn as nn, math
from typing import List, Optional as O
from . import a
from ..b import (c, d as e,)
from ...x import *
"""doc"""
pass
...
def f(x: int):
  """doc"""
  import math
  from math import pi
  pass; pass;
  ...
  return x
