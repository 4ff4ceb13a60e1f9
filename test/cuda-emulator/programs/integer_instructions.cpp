// Integer and bit instructions against the definitions of the PTX manual, written with wider integers and bit
// loops.

#include "instruction_case.h"

namespace {

using test::InstructionCase;
using test::u64;
using s64 = std::int64_t;
using s128 = __int128;
using u128 = unsigned __int128;

/// The value of a field as a signed or unsigned number.
s128 number(u64 bits, int width, bool is_signed) {
  const u64 mask = width == 64 ? ~u64{0} : (u64{1} << width) - 1;
  s128 value = bits & mask;
  if (is_signed && (bits >> (width - 1) & 1) != 0) value -= s128{1} << width;
  return value;
}

void add_typed(std::vector<InstructionCase>& cases, const std::string& type, int width, bool is_signed) {
  const auto value = [=](u64 bits) { return number(bits, width, is_signed); };
  const auto binary = [&](const std::string& opcode, int result, const std::function<s128(s128, s128)>& f) {
    cases.push_back({opcode + "." + type + " $d, $a, $b;", {width, width}, result, [=](const u64* v) {
                       return static_cast<u64>(f(value(v[0]), value(v[1])));
                     }});
  };
  binary("add", width, [](s128 a, s128 b) { return a + b; });
  // Immediates are extended by their sign to the width of the instruction.
  cases.push_back(
      {"add." + type + " $d, $a, " + (is_signed ? "-4;" : "4;"), {width}, width, [=](const u64* v) {
         return static_cast<u64>(value(v[0]) + (is_signed ? -4 : 4));
       }});
  binary("sub", width, [](s128 a, s128 b) { return a - b; });
  binary("mul.lo", width, [](s128 a, s128 b) { return a * b; });
  binary("mul.hi", width, [=](s128 a, s128 b) {
    return is_signed ? (a * b) >> width
                     : static_cast<s128>((static_cast<u128>(a) * static_cast<u128>(b)) >> width);
  });
  if (width < 64) binary("mul.wide", 2 * width, [](s128 a, s128 b) { return a * b; });
  binary("min", width, [](s128 a, s128 b) { return a < b ? a : b; });
  binary("max", width, [](s128 a, s128 b) { return a > b ? a : b; });
  // By zero the result is not specified; the divisor is made odd.
  cases.push_back({"or.b" + std::to_string(width) + " $b, $b, 1; div." + type + " $d, $a, $b;",
                   {width, width},
                   width,
                   [=](const u64* v) { return static_cast<u64>(value(v[0]) / value(v[1] | 1)); }});
  cases.push_back({"or.b" + std::to_string(width) + " $b, $b, 1; rem." + type + " $d, $a, $b;",
                   {width, width},
                   width,
                   [=](const u64* v) { return static_cast<u64>(value(v[0]) % value(v[1] | 1)); }});
  cases.push_back({"mad.lo." + type + " $d, $a, $b, $c;", {width, width, width}, width, [=](const u64* v) {
                     return static_cast<u64>(value(v[0]) * value(v[1]) + value(v[2]));
                   }});
  cases.push_back({"shr." + type + " $d, $a, $b;", {width, 32}, width, [=](const u64* v) {
                     const auto n = static_cast<unsigned>(std::min<u64>(v[1], 100));
                     return static_cast<u64>(value(v[0]) >> n);
                   }});
  if (width < 64) {
    cases.push_back(
        {"mad.wide." + type + " $d, $a, $b, $c;", {width, width, 2 * width}, 2 * width, [=](const u64* v) {
           return static_cast<u64>(value(v[0]) * value(v[1])) + v[2];
         }});
  }
  for (const auto& [name, compare] : std::vector<std::pair<std::string, std::function<bool(s128, s128)>>>{
           {"lt", [](s128 a, s128 b) { return a < b; }},
           {"ge", [](s128 a, s128 b) { return a >= b; }},
           {"eq", [](s128 a, s128 b) { return a == b; }},
           {"gt", [](s128 a, s128 b) { return a > b; }}}) {
    cases.push_back(
        {"setp." + name + "." + type + " %p0, $a, $b; selp.b32 $d, 7, 9, %p0;",
         {width, width},
         32,
         [=, compare = compare](const u64* v) { return u64{compare(value(v[0]), value(v[1])) ? 7u : 9u}; }});
  }
}

void add_signed(std::vector<InstructionCase>& cases, int width) {
  const std::string type = "s" + std::to_string(width);
  cases.push_back({"abs." + type + " $d, $a;", {width}, width, [=](const u64* v) {
                     const s128 a = number(v[0], width, true);
                     return static_cast<u64>(a < 0 ? -a : a);
                   }});
  cases.push_back({"neg." + type + " $d, $a;", {width}, width, [](const u64* v) { return ~v[0] + 1; }});
}

/// The manual's pseudocode of bfe.
u64 extract(u64 a, u64 b, u64 c, int width, bool is_signed) {
  const int msb = width - 1;
  const int pos = static_cast<int>(b & 255);
  const int len = static_cast<int>(c & 255);
  const bool sbit = is_signed && len != 0 ? (a >> std::min(pos + len - 1, msb) & 1) != 0 : false;
  u64 d = 0;
  for (int i = 0; i <= msb; ++i) {
    const bool bit = i < len && pos + i <= msb ? (a >> (pos + i) & 1) != 0 : sbit;
    d |= static_cast<u64>(bit) << i;
  }
  return d;
}

u64 insert(u64 a, u64 b, u64 c, u64 d, int width) {
  const int pos = static_cast<int>(c & 255);
  const int len = static_cast<int>(d & 255);
  for (int i = 0; i < len && pos + i < width; ++i) {
    b = (b & ~(u64{1} << (pos + i))) | (a >> i & 1) << (pos + i);
  }
  return b;
}

void add_bits(std::vector<InstructionCase>& cases) {
  for (const int width : {16, 32, 64}) {
    const std::string type = "b" + std::to_string(width);
    cases.push_back(
        {"and." + type + " $d, $a, $b;", {width, width}, width, [](const u64* v) { return v[0] & v[1]; }});
    cases.push_back(
        {"or." + type + " $d, $a, $b;", {width, width}, width, [](const u64* v) { return v[0] | v[1]; }});
    cases.push_back(
        {"xor." + type + " $d, $a, $b;", {width, width}, width, [](const u64* v) { return v[0] ^ v[1]; }});
    cases.push_back({"not." + type + " $d, $a;", {width}, width, [](const u64* v) { return ~v[0]; }});
    cases.push_back(
        {"cnot." + type + " $d, $a;", {width}, width, [](const u64* v) { return u64{v[0] == 0}; }});
    cases.push_back({"shl." + type + " $d, $a, $b;", {width, 32}, width, [=](const u64* v) {
                       return v[1] >= static_cast<u64>(width) ? 0 : v[0] << v[1];
                     }});
  }
  for (const int width : {32, 64}) {
    const std::string n = std::to_string(width);
    cases.push_back({"popc.b" + n + " $d, $a;", {width}, 32, [=](const u64* v) {
                       u64 count = 0;
                       for (int i = 0; i < width; ++i) count += v[0] >> i & 1;
                       return count;
                     }});
    cases.push_back({"clz.b" + n + " $d, $a;", {width}, 32, [=](const u64* v) {
                       u64 count = 0;
                       while (count < static_cast<u64>(width) &&
                              (v[0] >> (static_cast<u64>(width) - 1 - count) & 1) == 0)
                         ++count;
                       return count;
                     }});
    cases.push_back({"brev.b" + n + " $d, $a;", {width}, width, [=](const u64* v) {
                       u64 d = 0;
                       for (int i = 0; i < width; ++i) d |= (v[0] >> i & 1) << (width - 1 - i);
                       return d;
                     }});
    for (const bool is_signed : {false, true}) {
      const std::string type = (is_signed ? "s" : "u") + n;
      cases.push_back({"bfe." + type + " $d, $a, $b, $c;", {width, 32, 32}, width, [=](const u64* v) {
                         return extract(v[0], v[1], v[2], width, is_signed);
                       }});
      cases.push_back({"bfind." + type + " $d, $a;", {width}, 32, [=](const u64* v) {
                         const bool negative = is_signed && (v[0] >> (width - 1) & 1) != 0;
                         for (int i = width - 1; i >= 0; --i) {
                           if (((v[0] >> i & 1) != 0) != negative) return static_cast<u64>(i);
                         }
                         return u64{0xffffffff};
                       }});
    }
    cases.push_back({"bfi.b" + n + " $d, $a, $b, $c, 9;", {width, width, 32}, width, [=](const u64* v) {
                       return insert(v[0], v[1], v[2], 9, width);
                     }});
  }
  for (const bool clamp : {false, true}) {
    const std::string mode = clamp ? "clamp" : "wrap";
    const auto amount = [=](u64 c) { return clamp ? std::min<u64>(c, 32) : c % 32; };
    cases.push_back({"shf.l." + mode + ".b32 $d, $a, $b, $c;", {32, 32, 32}, 32, [=](const u64* v) {
                       return static_cast<u64>((static_cast<u128>(v[1] << 32 | v[0]) << amount(v[2])) >> 32);
                     }});
    cases.push_back({"shf.r." + mode + ".b32 $d, $a, $b, $c;", {32, 32, 32}, 32, [=](const u64* v) {
                       return (v[1] << 32 | v[0]) >> amount(v[2]);
                     }});
  }
  for (const unsigned table : {0x80u, 0xe8u, 0x96u, 0x1bu}) {
    cases.push_back(
        {"lop3.b32 $d, $a, $b, $c, " + std::to_string(table) + ";", {32, 32, 32}, 32, [=](const u64* v) {
           u64 d = 0;
           for (int i = 0; i < 32; ++i) {
             const u64 index = (v[0] >> i & 1) << 2 | (v[1] >> i & 1) << 1 | (v[2] >> i & 1);
             d |= u64{table >> index & 1} << i;
           }
           return d;
         }});
  }
  cases.push_back({"prmt.b32 $d, $a, $b, $c;", {32, 32, 32}, 32, [](const u64* v) {
                     const u64 pool = v[1] << 32 | v[0];
                     u64 d = 0;
                     for (int i = 0; i < 4; ++i) {
                       const u64 control = v[2] >> (4 * i) & 15;
                       u64 byte = pool >> (8 * (control & 7)) & 255;
                       if ((control & 8) != 0) byte = byte >= 128 ? 255 : 0;
                       d |= byte << (8 * i);
                     }
                     return d;
                   }});
  cases.push_back({"prmt.b32.f4e $d, $a, $b, $c;", {32, 32, 32}, 32, [](const u64* v) {
                     return (v[1] << 32 | v[0]) >> (8 * (v[2] & 3));
                   }});
  cases.push_back({"prmt.b32.rc16 $d, $a, $b, $c;", {32, 32, 32}, 32, [](const u64* v) {
                     const u64 half = v[0] >> (16 * (v[2] & 1)) & 0xffff;
                     return half << 16 | half;
                   }});
}

void add_others(std::vector<InstructionCase>& cases) {
  cases.push_back({"add.sat.s32 $d, $a, $b;", {32, 32}, 32, [](const u64* v) {
                     const s128 sum = number(v[0], 32, true) + number(v[1], 32, true);
                     return static_cast<u64>(std::min<s128>(std::max<s128>(sum, INT32_MIN), INT32_MAX));
                   }});
  // A 64-bit sum from two halves and their carry.
  cases.push_back(
      {".reg .b32 %lo<4>, %hi<4>; mov.b64 {%lo0, %hi0}, $a; mov.b64 {%lo1, %hi1}, $b; add.cc.u32 %lo2, %lo0, "
       "%lo1; "
       "addc.u32 %hi2, %hi0, %hi1; mov.b64 $d, {%lo2, %hi2};",
       {64, 64},
       64,
       [](const u64* v) { return v[0] + v[1]; }});
  cases.push_back(
      {".reg .b32 %lo<4>, %hi<4>; mov.b64 {%lo0, %hi0}, $a; mov.b64 {%lo1, %hi1}, $b; sub.cc.u32 %lo2, %lo0, "
       "%lo1; "
       "subc.u32 %hi2, %hi0, %hi1; mov.b64 $d, {%lo2, %hi2};",
       {64, 64},
       64,
       [](const u64* v) { return v[0] - v[1]; }});
  cases.push_back({"sad.s32 $d, $a, $b, $c;", {32, 32, 32}, 32, [](const u64* v) {
                     const s128 difference = number(v[0], 32, true) - number(v[1], 32, true);
                     return static_cast<u64>(difference < 0 ? -difference : difference) + v[2];
                   }});
  cases.push_back({"dp4a.s32.u32 $d, $a, $b, $c;", {32, 32, 32}, 32, [](const u64* v) {
                     s128 sum = number(v[2], 32, true);
                     for (int i = 0; i < 32; i += 8)
                       sum += number(v[0] >> i, 8, true) * number(v[1] >> i, 8, false);
                     return static_cast<u64>(sum);
                   }});
  cases.push_back(
      {"setp.lt.and.s32 %p0|%p1, $a, $b, 1; selp.b32 $d, 1, 0, %p0; @%p1 add.u32 $d, $d, 2;",
       {32, 32},
       32,
       [](const u64* v) { return u64{number(v[0], 32, true) < number(v[1], 32, true) ? 1u : 2u}; }});
  cases.push_back({"set.gt.u32.s32 $d, $a, $b;", {32, 32}, 32, [](const u64* v) {
                     return number(v[0], 32, true) > number(v[1], 32, true) ? ~u64{0} : 0;
                   }});
  cases.push_back({"slct.b32.s32 $d, $a, $b, $c;", {32, 32, 32}, 32, [](const u64* v) {
                     return number(v[2], 32, true) >= 0 ? v[0] : v[1];
                   }});
  for (const auto& [to, from] : std::vector<std::pair<std::string, std::string>>{
           {"u8", "s32"}, {"s8", "s32"}, {"u16", "s64"}, {"s32", "s64"}, {"u32", "s32"}, {"s32", "u32"}}) {
    const int to_width = std::stoi(to.substr(1));
    const int from_width = std::stoi(from.substr(1));
    const s128 least = to[0] == 's' ? -(s128{1} << (to_width - 1)) : 0;
    const s128 most = (s128{1} << (to_width - (to[0] == 's' ? 1 : 0))) - 1;
    const int result = std::max(to_width, 16);
    cases.push_back(
        {"cvt.sat." + to + "." + from + " $d, $a;", {from_width}, result, [=, from = from](const u64* v) {
           const s128 value = number(v[0], from_width, from[0] == 's');
           return static_cast<u64>(std::min(std::max(value, least), most));
         }});
    // Without saturation the low bits are kept, and extended by the result's sign.
    cases.push_back({"cvt." + to + "." + from + " $d, $a;", {from_width}, result, [=, to = to](const u64* v) {
                       return static_cast<u64>(number(v[0], to_width, to[0] == 's'));
                     }});
  }
}

}  // namespace

int main() {
  std::vector<InstructionCase> cases;
  for (const int width : {16, 32, 64}) {
    add_typed(cases, "s" + std::to_string(width), width, true);
    add_typed(cases, "u" + std::to_string(width), width, false);
    add_signed(cases, width);
  }
  add_bits(cases);
  add_others(cases);
  test::run_cases(cases);
}
