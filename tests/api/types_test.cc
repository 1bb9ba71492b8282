// Values of a program's own types, built by the host.

#include <ATen/ops/ones.h>

#include "tests/api/api_test_support.h"

namespace vesta::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kSource = R"(
class Color(Enum):
    RED = 1
    BLUE = 2
class Point(NamedTuple):
    x: int
    y: float = 2.5
class Pair:
    def __init__(self, a: int, b: int = 7):
        if a < 0:
            raise ValueError("negative")
        self.a = a
        self.b = b
    def total(self) -> int:
        return self.a + self.b
class Empty:
    def number(self) -> int:
        return 4
def name(c: Color) -> str:
    return c.name
def total(p: Pair) -> int:
    p.a += 1
    return p.total()
def move(p: Point, by: int) -> Point:
    return Point(p.x + by, p.y * 2)
def points(ps: List[Point], colors: Dict[str, Color]) -> int:
    n = 0
    for p in ps:
        n += p.x
    return n + len(colors)
def number(e: Empty) -> int:
    return e.number()
)";

TEST(Types, ObjectsAreBuiltByTheirConstructor) {
  const Unit unit = must(compile(kSource));
  const Types types = unit.types();
  const c10::IValue pair = must(types.make("Pair", {3}));
  EXPECT_EQ(must(get<int64_t>(unit.run_function("total", {pair}))), 11);
  EXPECT_EQ(must(get<int64_t>(field(pair, "a"))), 4);  // The call saw this object, not a copy.
  const c10::IValue other = must(types.make("__torch__.Pair", {}, {{"b", 1}, {"a", 2}}));
  EXPECT_EQ(must(get<int64_t>(unit.run_function("total", {other}))), 4);
  EXPECT_EQ(must(get<int64_t>(unit.run_function("number", {must(types.make("Empty", {}))}))), 4);
}

TEST(Types, EnumMembersAreFoundByNameAndByValue) {
  const Unit unit = must(compile(kSource));
  EXPECT_EQ(must(get<std::string>(unit.run_function("name", {must(unit.types().enum_value("Color", "BLUE"))}))),
            "BLUE");
  EXPECT_EQ(must(get<std::string>(unit.run_function("name", {must(unit.types().make("Color", {1}))}))), "RED");
}

TEST(Types, NamedTuplesHaveDefaultsAndTheirFieldsAreFoundByName) {
  const Unit unit = must(compile(kSource));
  const c10::IValue point = must(unit.types().make("Point", {4}));
  const c10::IValue moved = must(unit.run_function("move", {point, 3}));
  EXPECT_EQ(must(get<int64_t>(field(moved, "x"))), 7);
  EXPECT_EQ(must(get<double>(field(moved, "y"))), 5.0);
  // A plain tuple with the right elements is taken for one.
  EXPECT_EQ(must(get<int64_t>(field(unit.run_function("move", {c10::ivalue::Tuple::create({1, 2}), 1}).value(), "x"))),
            2);
}

TEST(Types, ValuesMayStandInContainers) {
  const Unit unit = must(compile(kSource));
  const Types types = unit.types();
  c10::impl::GenericList points(must(types.find("Point")));
  points.push_back(must(types.make("Point", {4})));
  points.push_back(must(types.make("Point", {5})));
  c10::impl::GenericDict colors(c10::StringType::get(), must(types.find("Color")));
  colors.insert("a", must(types.enum_value("Color", "RED")));
  EXPECT_EQ(must(get<int64_t>(unit.run_function("points", {points, colors}))), 10);
}

TEST(Types, ErrorsListWhatThereIs) {
  const Unit unit = must(compile(kSource));
  const Types types = unit.types();
  EXPECT_THAT(types.names(), testing::Contains("__torch__.Pair"));
  EXPECT_THAT(message(types.find("Pear")), HasSubstr("__torch__.Pair"));
  EXPECT_THAT(message(types.make("Pair", {"x"})), HasSubstr("takes int for argument 'a', got str"));
  EXPECT_THAT(message(types.make("Pair", {-1})), HasSubstr("negative"));
  EXPECT_THAT(message(types.make("Color", {9})), HasSubstr("its values are: 1, 2"));
  EXPECT_THAT(message(types.enum_value("Color", "GREEN")), HasSubstr("there are: RED, BLUE"));
  EXPECT_THAT(message(types.enum_value("Pair", "a")), HasSubstr("is no enum"));
  EXPECT_THAT(message(types.make("Point", {})), HasSubstr("needs argument 'x'"));
  EXPECT_THAT(message(types.make("Empty", {1})), HasSubstr("takes no arguments"));
}

TEST(Types, ValuesOutliveTheirUnit) {
  c10::IValue pair;
  Method total = [&pair] {
    const Unit unit = must(compile(kSource));
    pair = must(unit.types().make("Pair", {3}));
    return must(unit.get_function("total"));
  }();
  EXPECT_EQ(must(get<int64_t>(total({pair}))), 11);
}

}  // namespace
}  // namespace vesta::test
