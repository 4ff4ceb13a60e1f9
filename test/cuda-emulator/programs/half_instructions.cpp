// Instructions of f16 and bf16: one rounding of the exact result, found by a search over all values of the
// format.

#include "instruction_case.h"

namespace {

using test::bf16_value;
using test::f16_value;
using test::from_bits;
using test::InstructionCase;
using test::to_bits;
using test::u64;

float f(u64 bits) { return from_bits<float>(bits); }

/// The nearest finite value of a half format to an exact number; ties go to the even pattern, too much to
/// infinity.
u64 nearest(__float128 exact, float (*decode)(u64), u64 infinity) {
  if (exact != exact) return infinity + 1;
  const bool negative = exact < 0;
  if (negative) exact = -exact;
  // Values ascend with their patterns: search for the two around the number.
  u64 low = 0;
  u64 high = infinity;
  // The pattern of infinity stands for the value that would follow the largest.
  const auto value = [&](u64 pattern) -> __float128 {
    if (pattern < infinity) return decode(pattern);
    return 2 * static_cast<__float128>(decode(infinity - 1)) - decode(infinity - 2);
  };
  if (exact >= value(infinity)) return infinity | (negative ? 0x8000 : 0);
  while (high - low > 1) {
    const u64 middle = (low + high) / 2;
    (value(middle) <= exact ? low : high) = middle;
  }
  const __float128 below = exact - value(low);
  const __float128 above = value(high) - exact;
  const u64 chosen = below < above || (below == above && (low & 1) == 0) ? low : high;
  return chosen | (negative ? 0x8000 : 0);
}

void add_halves(std::vector<InstructionCase>& cases) {
  struct Format {
    const char* type;
    float (*decode)(u64);
    u64 infinity;
    decltype(InstructionCase::compare) compare;
  };
  for (const Format& format : {Format{"f16", f16_value, 0x7c00, InstructionCase::as_f16},
                               Format{"bf16", bf16_value, 0x7f80, InstructionCase::as_bf16}}) {
    const auto decode = format.decode;
    const std::string type = format.type;
    const auto round = [decode, infinity = format.infinity](__float128 x) {
      return nearest(x, decode, infinity);
    };
    const auto infinite_or = [round, infinity = format.infinity](float special, __float128 exact) {
      if (special != special) return infinity + 1;
      return std::isinf(special) && (exact != exact) ? infinity | (special < 0 ? 0x8000 : 0) : round(exact);
    };
    const auto fma = [=](u64 x, u64 y, u64 z) {
      const float a = decode(x), b = decode(y), c = decode(z);
      if (!std::isfinite(a) || !std::isfinite(b) || !std::isfinite(c)) {
        const double special = static_cast<double>(a) * b + c;
        return infinite_or(static_cast<float>(special), static_cast<__float128>(NAN));
      }
      return round(static_cast<__float128>(a) * b + c);
    };
    cases.push_back({"fma.rn." + type + " $d, $a, $b, $c;",
                     {16, 16, 16},
                     16,
                     [=](const u64* v) { return fma(v[0], v[1], v[2]); },
                     format.compare});
    cases.push_back({"fma.rn." + type + "x2 $d, $a, $b, $c;", {32, 32, 32}, 32, [=](const u64* v) {
                       // Here NaN is compared by its bits: both sides are made canonical where it comes up.
                       return fma(v[0] & 0xffff, v[1] & 0xffff, v[2] & 0xffff) |
                              fma(v[0] >> 16, v[1] >> 16, v[2] >> 16) << 16;
                     }});
    cases.back().code =
        "and.b32 $a, $a, 0xbfffbfff; and.b32 $b, $b, 0xbfffbfff; and.b32 $c, $c, 0xbfffbfff; " +
        cases.back().code;
    const auto finite = cases.back().expected;
    cases.back().expected = [=](const u64* v) {
      const u64 cleared[3] = {v[0] & 0xbfffbfff, v[1] & 0xbfffbfff,
                              v[2] & 0xbfffbfff};  // small enough to stay finite
      return finite(cleared);
    };
    if (type == "f16") {  // bf16 has add and mul from sm_90 on
      cases.push_back({"add.rn.f16 $d, $a, $b;",
                       {16, 16},
                       16,
                       [=](const u64* v) { return fma(v[0], 0x3c00, v[1]); },
                       format.compare});
      cases.push_back({"mul.rn.f16 $d, $a, $b;",
                       {16, 16},
                       16,
                       [=](const u64* v) {
                         const float a = decode(v[0]), b = decode(v[1]);
                         if (!std::isfinite(a) || !std::isfinite(b))
                           return infinite_or(a * b, static_cast<__float128>(NAN));
                         return round(static_cast<__float128>(a) * b) | ((v[0] ^ v[1]) & 0x8000);
                       },
                       format.compare});
    }
    cases.push_back({"cvt.rn." + type + ".f32 $d, $a;",
                     {32},
                     16,
                     [=](const u64* v) {
                       const float a = f(v[0]);
                       return std::isfinite(a) ? round(a) | (v[0] >> 31 << 15)
                                               : infinite_or(a, static_cast<__float128>(NAN));
                     },
                     format.compare});
    cases.push_back({"cvt.f32." + type + " $d, $a;",
                     {16},
                     32,
                     [=](const u64* v) { return to_bits(decode(v[0])); },
                     InstructionCase::as_f32});
    cases.push_back({"cvt.rn." + type + "x2.f32 $d, $a, $b; and.b32 $d, $d, 0xffff;",
                     {32, 32},
                     16,
                     [=](const u64* v) {
                       const float b = f(v[1]);  // the second operand is the lower half
                       return std::isfinite(b) ? round(b) | (v[1] >> 31 << 15)
                                               : infinite_or(b, static_cast<__float128>(NAN));
                     },
                     format.compare});
    cases.push_back({".reg .b32 %pair; cvt.rn." + type +
                         "x2.f32 %pair, $a, $b; shr.u32 %pair, %pair, 16; cvt.u16.u32 $d, %pair;",
                     {32, 32},
                     16,
                     [=](const u64* v) {
                       const float a = f(v[0]);
                       return std::isfinite(a) ? round(a) | (v[0] >> 31 << 15)
                                               : infinite_or(a, static_cast<__float128>(NAN));
                     },
                     format.compare});
    cases.push_back({"neg." + type + " $d, $a;", {16}, 16, [](const u64* v) { return v[0] ^ 0x8000; }});
    cases.push_back({"max." + type + " $d, $a, $b;",
                     {16, 16},
                     16,
                     [=](const u64* v) {
                       const float a = decode(v[0]), b = decode(v[1]);
                       if (a != a || b != b) return a == a ? v[0] : v[1];
                       return a > b || (a == b && (v[0] & 0x8000) == 0) ? v[0] : v[1];
                     },
                     format.compare});
    cases.push_back(
        {"setp.lt." + type + " %p0, $a, $b; selp.b32 $d, 1, 0, %p0;", {16, 16}, 32, [=](const u64* v) {
           return u64{decode(v[0]) < decode(v[1])};
         }});
  }
  // The narrow results are 16 bits; the register is wider.
  for (InstructionCase& each : cases) {
    if (each.code.find("and.b32 $d, $d, 0xffff") != std::string::npos) {
      each.code = ".reg .b32 %pair; " + each.code.substr(0, each.code.find(" $d")) +
                  " %pair, $a, $b; cvt.u16.u32 $d, %pair;";
    }
  }
}

}  // namespace

int main() {
  std::vector<InstructionCase> cases;
  add_halves(cases);
  test::run_cases(cases);
}
