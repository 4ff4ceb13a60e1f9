// Instructions of f32 and f64, and conversions: rounding modes against the processor's own, the rest against
// the manual's rules.

#include <cfenv>

#include "instruction_case.h"

namespace {

using test::from_bits;
using test::InstructionCase;
using test::to_bits;
using test::u64;

template <class Float>
u64 rounded(int mode, const std::function<Float()>& compute) {
  std::fesetround(mode);
  volatile Float result = compute();
  std::fesetround(FE_TONEAREST);
  return to_bits(static_cast<Float>(result));
}

float f(u64 bits) { return from_bits<float>(bits); }
double d(u64 bits) { return from_bits<double>(bits); }
float flushed(float x) { return std::fpclassify(x) == FP_SUBNORMAL ? std::copysign(0.0f, x) : x; }

constexpr struct {
  const char* name;
  int mode;
} kModes[] = {{"rn", FE_TONEAREST}, {"rz", FE_TOWARDZERO}, {"rm", FE_DOWNWARD}, {"rp", FE_UPWARD}};

void add_single(std::vector<InstructionCase>& cases) {
  for (const auto& [name, mode] : kModes) {
    const std::string r = std::string(".") + name + ".f32 $d, $a";
    const auto add = [&](const std::string& opcode, int operands,
                         const std::function<float(const u64*)>& compute) {
      const std::string more = operands > 2 ? ", $b, $c;" : operands > 1 ? ", $b;" : ";";
      cases.push_back(
          {opcode + r + more, std::vector<int>(static_cast<std::size_t>(operands), 32), 32,
           [=, mode = mode](const u64* v) { return rounded<float>(mode, [&] { return compute(v); }); },
           InstructionCase::as_f32});
    };
    // Volatile: the compiler must not compute ahead of the rounding mode.
    add("add", 2, [](const u64* v) {
      volatile float a = f(v[0]), b = f(v[1]);
      return a + b;
    });
    add("sub", 2, [](const u64* v) {
      volatile float a = f(v[0]), b = f(v[1]);
      return a - b;
    });
    add("mul", 2, [](const u64* v) {
      volatile float a = f(v[0]), b = f(v[1]);
      return a * b;
    });
    add("div", 2, [](const u64* v) {
      volatile float a = f(v[0]), b = f(v[1]);
      return a / b;
    });
    add("fma", 3, [](const u64* v) {
      volatile float a = f(v[0]), b = f(v[1]), c = f(v[2]);
      return std::fma(a, b, c);
    });
    add("rcp", 1, [](const u64* v) {
      volatile float a = f(v[0]);
      return 1 / a;
    });
    add("sqrt", 1, [](const u64* v) {
      volatile float a = f(v[0]);
      return std::sqrt(a);
    });
    cases.push_back({std::string("cvt.") + name + ".f32.f64 $d, $a;",
                     {64},
                     32,
                     [mode = mode](const u64* v) {
                       return rounded<float>(mode, [&] {
                         volatile double a = d(v[0]);
                         return static_cast<float>(a);
                       });
                     },
                     InstructionCase::as_f32});
    cases.push_back({std::string("cvt.") + name + ".f32.s64 $d, $a;",
                     {64},
                     32,
                     [mode = mode](const u64* v) {
                       return rounded<float>(mode, [&] {
                         volatile auto a = static_cast<std::int64_t>(v[0]);
                         return static_cast<float>(a);
                       });
                     },
                     InstructionCase::as_f32});
    cases.push_back({std::string("cvt.") + name + ".f32.u32 $d, $a;",
                     {32},
                     32,
                     [mode = mode](const u64* v) {
                       return rounded<float>(mode, [&] {
                         volatile auto a = static_cast<std::uint32_t>(v[0]);
                         return static_cast<float>(a);
                       });
                     },
                     InstructionCase::as_f32});
  }
  cases.push_back({"add.ftz.f32 $d, $a, $b;",
                   {32, 32},
                   32,
                   [](const u64* v) { return to_bits(flushed(flushed(f(v[0])) + flushed(f(v[1])))); },
                   InstructionCase::as_f32});
  cases.push_back({"mul.sat.f32 $d, $a, $b;",
                   {32, 32},
                   32,
                   [](const u64* v) {
                     const float product = f(v[0]) * f(v[1]);
                     return to_bits(product != product ? 0.0f
                                                       : std::fmin(std::fmax(product, 0.0f), 1.0f) + 0.0f);
                   },
                   InstructionCase::as_f32});
  cases.push_back({"neg.f32 $d, $a;", {32}, 32, [](const u64* v) { return v[0] ^ 0x80000000u; }});
  cases.push_back({"abs.f32 $d, $a;", {32}, 32, [](const u64* v) { return v[0] & 0x7fffffffu; }});
  cases.push_back({"copysign.f32 $d, $a, $b;", {32, 32}, 32, [](const u64* v) {
                     return (v[0] & 0x80000000u) | (v[1] & 0x7fffffffu);
                   }});
  for (const bool is_max : {false, true}) {
    for (const bool nan : {false, true}) {
      cases.push_back({std::string(is_max ? "max" : "min") + (nan ? ".NaN" : "") + ".f32 $d, $a, $b;",
                       {32, 32},
                       32,
                       [=](const u64* v) {
                         const float a = f(v[0]);
                         const float b = f(v[1]);
                         if (a != a || b != b)
                           return nan || (a != a && b != b) ? u64{0x7fffffff} : to_bits(a != a ? b : a);
                         // Patterns of floats, taken as sign and magnitude, order them with -0 before +0.
                         const auto key = [](u64 bits) {
                           return (bits >> 31) != 0 ? -static_cast<std::int64_t>(bits & 0x7fffffff) - 1
                                                    : static_cast<std::int64_t>(bits);
                         };
                         return (key(v[0]) < key(v[1])) != is_max ? v[0] : v[1];
                       },
                       InstructionCase::as_f32});
    }
  }
  const auto unary = [&](const std::string& code, float (*function)(float), double ulps) {
    cases.push_back({code + " $d, $a;",
                     {32},
                     32,
                     [=](const u64* v) { return to_bits(function(f(v[0]))); },
                     InstructionCase::as_f32,
                     ulps});
  };
  // The manual allows two or more ulps; the emulator is at least that good.
  unary("ex2.approx.f32", [](float x) { return static_cast<float>(std::exp2(static_cast<double>(x))); }, 2);
  unary("lg2.approx.f32", [](float x) { return static_cast<float>(std::log2(static_cast<double>(x))); }, 2);
  unary(
      "rsqrt.approx.f32", [](float x) { return static_cast<float>(1 / std::sqrt(static_cast<double>(x))); },
      2);
  unary("rcp.approx.f32", [](float x) { return 1 / x; }, 1);
  unary("rcp.approx.ftz.f32", [](float x) { return flushed(1 / flushed(x)); }, 1);
  unary("sqrt.approx.f32", [](float x) { return std::sqrt(x); }, 1);
  for (const char* kind : {"approx", "full"}) {
    cases.push_back({std::string("div.") + kind + ".f32 $d, $a, $b;",
                     {32, 32},
                     32,
                     [](const u64* v) { return to_bits(f(v[0]) / f(v[1])); },
                     InstructionCase::as_f32,
                     2});
  }
  cases.push_back({"setp.gt.f32 %p0, $a, $b; selp.f32 $d, $a, $b, %p0;", {32, 32}, 32, [](const u64* v) {
                     return f(v[0]) > f(v[1]) ? v[0] : v[1];
                   }});
  unary("sin.approx.f32", [](float x) { return static_cast<float>(std::sin(static_cast<double>(x))); }, 2);
  unary("cos.approx.f32", [](float x) { return static_cast<float>(std::cos(static_cast<double>(x))); }, 2);
  unary("tanh.approx.f32", [](float x) { return static_cast<float>(std::tanh(static_cast<double>(x))); }, 2);
}

void add_double(std::vector<InstructionCase>& cases) {
  for (const auto& [name, mode] : kModes) {
    const auto add = [&](const std::string& opcode, double (*compute)(double, double)) {
      cases.push_back({opcode + "." + name + ".f64 $d, $a, $b;",
                       {64, 64},
                       64,
                       [=, mode = mode](const u64* v) {
                         return rounded<double>(mode, [&] { return compute(d(v[0]), d(v[1])); });
                       },
                       InstructionCase::as_f64});
    };
    add("add", [](double a, double b) {
      volatile double x = a, y = b;
      return x + y;
    });
    add("mul", [](double a, double b) {
      volatile double x = a, y = b;
      return x * y;
    });
  }
  cases.push_back({"fma.rn.f64 $d, $a, $b, $c;",
                   {64, 64, 64},
                   64,
                   [](const u64* v) { return to_bits(std::fma(d(v[0]), d(v[1]), d(v[2]))); },
                   InstructionCase::as_f64});
  cases.push_back({"div.rn.f64 $d, $a, $b;",
                   {64, 64},
                   64,
                   [](const u64* v) { return to_bits(d(v[0]) / d(v[1])); },
                   InstructionCase::as_f64});
  cases.push_back({"sqrt.rn.f64 $d, $a;",
                   {64},
                   64,
                   [](const u64* v) { return to_bits(std::sqrt(d(v[0]))); },
                   InstructionCase::as_f64});
}

/// The manual: saturate to the range, NaN to 0, or to the lone top bit where 64 bits are involved.
u64 integer_of(long double value, int width, bool is_signed, bool wide) {
  const long double least = is_signed ? -std::ldexp(1.0L, width - 1) : 0;
  const long double most = std::ldexp(1.0L, is_signed ? width - 1 : width) - 1;
  if (value != value) return wide ? u64{1} << (width - 1) : 0;
  value = std::min(std::max(value, least), most);
  return value < 0 ? static_cast<u64>(static_cast<std::int64_t>(value)) : static_cast<u64>(value);
}

void add_conversions(std::vector<InstructionCase>& cases) {
  constexpr struct {
    const char* name;
    long double (*round)(long double);
  } kRounds[] = {{"rni", std::nearbyint}, {"rzi", std::trunc}, {"rmi", std::floor}, {"rpi", std::ceil}};
  for (const auto& [name, round] : kRounds) {
    for (const auto& [type, width] :
         {std::pair{"s32", 32}, {"u32", 32}, {"s64", 64}, {"u64", 64}, {"s16", 16}}) {
      const bool is_signed = type[0] == 's';
      cases.push_back({std::string("cvt.") + name + "." + type + ".f32 $d, $a;",
                       {32},
                       width,
                       [=, width = width, round = round](const u64* v) {
                         return integer_of(round(f(v[0])), width, is_signed, width == 64);
                       }});
      if (width >= 32) {
        cases.push_back({std::string("cvt.") + name + "." + type + ".f64 $d, $a;",
                         {64},
                         width,
                         [=, width = width, round = round](const u64* v) {
                           return integer_of(round(d(v[0])), width, is_signed, true);
                         }});
      }
    }
    cases.push_back({std::string("cvt.") + name + ".f32.f32 $d, $a;",
                     {32},
                     32,
                     [round = round](const u64* v) { return to_bits(static_cast<float>(round(f(v[0])))); },
                     InstructionCase::as_f32});
  }
  cases.push_back({"cvt.f64.f32 $d, $a;",
                   {32},
                   64,
                   [](const u64* v) { return to_bits(static_cast<double>(f(v[0]))); },
                   InstructionCase::as_f64});
  cases.push_back({"cvt.rna.tf32.f32 $d, $a; and.b32 $d, $d, 0xffffe000;",
                   {32},
                   32,
                   [](const u64* v) {
                     if ((v[0] & 0x7f800000) == 0x7f800000) return v[0] & 0xffffe000;
                     return (v[0] + 0x1000) & 0xffffe000;  // halves go away from zero
                   },
                   InstructionCase::as_f32});
  for (const auto& [name, compare] : std::vector<std::pair<std::string, std::function<bool(float, float)>>>{
           {"eq", [](float a, float b) { return a == b; }},
           {"ne", [](float a, float b) { return a < b || a > b; }},
           {"ltu", [](float a, float b) { return !(a >= b); }},
           {"geu", [](float a, float b) { return !(a < b); }},
           {"neu", [](float a, float b) { return !(a == b); }},
           {"num", [](float a, float b) { return a == a && b == b; }},
           {"nan", [](float a, float b) { return a != a || b != b; }}}) {
    cases.push_back({"setp." + name + ".f32 %p0, $a, $b; selp.b32 $d, 1, 0, %p0;",
                     {32, 32},
                     32,
                     [compare = compare](const u64* v) { return u64{compare(f(v[0]), f(v[1]))}; }});
  }
}

}  // namespace

int main() {
  std::vector<InstructionCase> cases;
  add_single(cases);
  add_double(cases);
  add_conversions(cases);
  test::run_cases(cases);
}
