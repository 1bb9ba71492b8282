### attributes and methods
class Point:
    def __init__(self, x: int, y: int = 2):
        self.x = x
        self.y = y
        self.names: List[str] = []
    def total(self) -> int:
        return self.x + self.y
    def move(self, by: int):
        self.x += by
        self.names.append("moved")
    def itself(self) -> 'Point':
        return self
def main():
    p = Point(1)
    q = p
    q.move(4)
    print(p.x, p.y, p.total(), p.names, p.itself().x, Point(3, 4).total(), p is q)
    p.y = 9
    print(q.y, [r.total() for r in [p, Point(5)]])
### properties and static methods
class Box:
    def __init__(self, w: float):
        self.w = w
    @property
    def area(self) -> float:
        return self.w * self.w
    @area.setter
    def area(self, value: float):
        self.w = math.sqrt(value)
    @staticmethod
    def unit() -> float:
        return 1.0
    @staticmethod
    def scaled(k: float, by: float = 2.0) -> float:
        return k * by
def main():
    b = Box(3.0)
    print(b.area, Box.unit(), Box.scaled(2.0), Box.scaled(1.0, by=5.0))
    b.area = 16.0
    print(b.w, b.area)
### a class in a class's attribute
class Inner:
    def __init__(self, n: int):
        self.n = n
class Outer:
    def __init__(self, i: Inner):
        self.i = i
        self.l = [i, Inner(7)]
        self.d = {"k": i}
        self.o = torch.jit.annotate(Optional[Inner], None)
def main():
    i = Inner(1)
    o = Outer(i)
    i.n = 5
    o.o = Inner(3)
    p = o.o
    if p is not None:
        p.n += 1
    print(o.i.n, o.l[0].n, o.l[1].n, o.d["k"].n)
    q = o.o
    assert q is not None
    print(q.n)
    o.i.n += 10
    print(i.n)
### named tuples
class P(NamedTuple):
    x: int
    y: float = 0.5
    z: Optional[str] = None
def make(n: int) -> P:
    return P(n, z="q")
def main():
    p = make(3)
    a, b, c = p
    print(p.x, p.y, p.z, a, b, c, p[0], len(p), p[1:])
    q = P(x=1, y=2.0)
    print(q.x, q.y, q.z is None)
    l = [p, q]
    print(l[1].x, [r.y for r in l], (lambda_free(q)))
def lambda_free(p: P) -> int:
    return p.x * 100
### optional attributes and lists of classes
class Node:
    def __init__(self, v: int):
        self.v = v
        self.items: Dict[str, int] = {}
    def put(self, k: str):
        if k in self.items:
            self.items[k] += 1
        else:
            self.items[k] = 1
def main():
    n = Node(1)
    for w in "a b a c a".split():
        n.put(w)
    print(n.items)
    ns: List[Node] = []
    for i in range(3):
        ns.append(Node(i))
    ns[1].v = 50
    print(sum([m.v for m in ns]))
    d: Dict[int, Node] = {}
    d[1] = ns[0]
    d[1].v = 8
    print(ns[0].v)
### with objects
class Guard:
    def __init__(self, log: List[str], name: str):
        self.log = log
        self.name = name
    def __enter__(self) -> str:
        self.log.append("enter " + self.name)
        return self.name
    def __exit__(self, kind: Any, value: Any, trace: Any):
        self.log.append("exit " + self.name)
def early(log: List[str], n: int) -> int:
    with Guard(log, "e"):
        if n > 1:
            return n
        log.append("body")
    return -n
def main():
    log: List[str] = []
    with Guard(log, "a") as a:
        log.append("in " + a)
        with Guard(log, "b"), Guard(log, "c") as c:
            log.append("in " + c)
    print(early(log, 1), early(log, 2))
    print(log)
### an exception leaves a with
class Guard:
    def __init__(self, n: int):
        self.n = n
    def __enter__(self):
        print("enter")
    def __exit__(self, kind: Any, value: Any, trace: Any):
        print("exit")
def main():
    with Guard(1):
        raise ValueError("inside")
### grad mode
def main():
    x = torch.tensor([1.0], requires_grad=True)
    with torch.no_grad():
        y = x * 2
        print(y.requires_grad, torch.is_grad_enabled())
        with torch.no_grad():
            print(torch.is_grad_enabled())
        print(torch.is_grad_enabled())
    z = x * 3
    print(z.requires_grad, torch.is_grad_enabled())
### grad mode is restored behind an exception
def f(x: Tensor) -> Tensor:
    with torch.no_grad():
        raise ValueError("inside")
    return x
def main():
    print(torch.is_grad_enabled())
    f(torch.ones(1))
### recording scopes
def main():
    with torch.autograd.profiler.record_function("scope"):
        x = torch.ones(2) + 1
    with torch.autograd.profiler.record_function("scope") as r:
        y = x + 1
    print(y)
### autocast that is off
def main():
    a = torch.ones(2, 2)
    with torch.autocast("cpu", enabled=False):
        b = torch.mm(a, a)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        c = torch.mm(a, a)
        with torch.autocast("cpu", enabled=False):
            d = torch.mm(a, a)
        e = torch.mm(a, a)
    print(b.dtype, c.dtype, d.dtype, e.dtype)
### autocast reaches into functions
def product(a: Tensor) -> Tensor:
    return torch.mm(a, a)
def main():
    a = torch.ones(2, 2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        b = product(a)
    print(b.dtype, product(a).dtype)
### keyword-only arguments and defaults
def f(a: int, b: int = 2, *, c: int) -> int:
    return a * 100 + b * 10 + c
class K:
    def __init__(self, a: int, b: int = 5):
        self.v = a * b
    def get(self, k: int = 3) -> int:
        return self.v + k
def main():
    print(f(1, c=3), f(1, 7, c=4), f(a=2, b=0, c=0), K(2).get(), K(b=1, a=4).get(k=0))
### magic methods
class Vec:
    def __init__(self, n: int):
        self.n = n
    def __add__(self, other: 'Vec') -> 'Vec':
        return Vec(self.n + other.n)
    def __sub__(self, other: 'Vec') -> 'Vec':
        return Vec(self.n - other.n)
    def __mul__(self, by: int) -> 'Vec':
        return Vec(self.n * by)
    def __neg__(self) -> 'Vec':
        return Vec(-self.n)
    def __eq__(self, other: 'Vec') -> bool:
        return self.n == other.n
    def __ne__(self, other: 'Vec') -> bool:
        return self.n != other.n
    def __lt__(self, other: 'Vec') -> bool:
        return self.n < other.n
    def __ge__(self, other: 'Vec') -> bool:
        return self.n >= other.n
    def __len__(self) -> int:
        return self.n
    def __getitem__(self, i: int) -> int:
        return self.n * 10 + i
    def __setitem__(self, i: int, value: int):
        self.n = value + i
    def __contains__(self, key: int) -> bool:
        return key < self.n
    def __str__(self) -> str:
        return "Vec(" + str(self.n) + ")"
    def __int__(self) -> int:
        return self.n
    def __float__(self) -> float:
        return float(self.n)
    def __bool__(self) -> bool:
        return self.n != 0
    def __call__(self, x: int) -> int:
        return self.n + x
def main():
    a = Vec(3)
    b = Vec(1)
    print((a + b).n, (a - b).n, (a * 5).n, (-a).n, a(10), a[2], len(a))
    print(a == b, a != b, a < b, a >= b, 2 in a, 7 in a)
    a[1] = 8
    print(str(a), int(a), float(a), bool(a), bool(Vec(0)))
    if a:
        print("true")
    print(1 if Vec(0) else 2)
### enums
class Color(Enum):
    RED = 1
    GREEN = 2
    BLUE = 4
class Name(Enum):
    A = "a"
    B = "b"
def pick(c: Color) -> int:
    if c == Color.RED:
        return 10
    elif c is Color.GREEN:
        return 20
    return c.value
def main():
    print(pick(Color.RED), pick(Color.GREEN), pick(Color.BLUE))
    print(Color.GREEN.name, Color.GREEN.value, Name.B.value, Name.A.name)
    print(Color.RED == Color.RED, Color.RED != Color.BLUE)
    d = {"x": Color.BLUE}
    print(d["x"].name)
    total = 0
    for c in Color:
        total += c.value
    print(total)
### autocast is asked for
def inner(x: Tensor) -> Tensor:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return torch.mm(x, x)
def main():
    x = torch.ones(2, 2)
    print(inner(x).dtype, torch.is_autocast_enabled())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = torch.mm(x, x)
    print(y.dtype, torch.mm(x, x).dtype)
