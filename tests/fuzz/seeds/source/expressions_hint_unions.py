def f(c: bool):
  a: Union[List[int], Dict[str, int], None] = []
  b: Union[List[int], int] = [1]
  d: Optional[Tuple[List[int], Dict[str, float]]] = ([], {})
  e: List[Optional[int]] = [1, None]
  g: Dict[str, Any] = {"a": 1, "b": "c", "d": [1]}
  h: List[Any] = [1, "a", None]
  i: Any = []
  j: List[Tuple[int, List[str]]] = [(1, []), (2, ["a"])]
  k: List[List[List[int]]] = [[[]], [], [[1]]]
  return a, b, d, e, g, h, i, j, k
