#pragma once

// A table of instructions, each run on many values and compared with a definition of its own.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "gpu.h"

namespace test {

using u64 = std::uint64_t;

/// `$d`, `$a`, `$b`, `$c` stand for registers of the given widths; %p0 and %p1 are predicates.
struct InstructionCase {
  std::string code;
  std::vector<int> operand_bits;
  int result_bits;
  std::function<u64(const u64*)> expected;
  /// How the results are compared: bits, or floats that may both be NaN or differ by that many ulps.
  enum { bits, as_f16, as_bf16, as_f32, as_f64 } compare = bits;
  double ulps = 0;
};

template <class T>
T from_bits(u64 bits) {
  T value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
template <class T>
u64 to_bits(T value) {
  u64 bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  return bits;
}

/// Corner cases of the integers and floats of a width, then random bits, small integers and moderate floats.
inline std::vector<u64> values(int bits, unsigned seed) {
  std::vector<u64> result;
  const u64 mask = bits == 64 ? ~u64{0} : (u64{1} << bits) - 1;
  for (u64 value : {u64{0}, u64{1}, u64{2}, u64{31}, u64{32}, u64{33}, u64{63}, u64{64}, u64{255}})
    result.push_back(value);
  for (u64 value : {u64{0}, u64{1}, u64{7}}) result.push_back(mask - value);
  for (u64 value : {mask >> 1, (mask >> 1) + 1}) result.push_back(value);
  std::mt19937_64 random(seed);
  if (bits == 16) {
    for (u64 value : {0x3c00, 0x3f80, 0x7c00, 0x7f80, 0xfc00, 0xff80, 0x7e00, 0x7fc0, 0x8000, 0x03ff, 0x007f})
      result.push_back(value);
  }
  if (bits == 32) {
    for (float value : {1.0f, -1.0f, 0.5f, 1.5f, 2.5f, -2.5f, 3.5e9f, -3.5e9f, 1e-40f, -1e-40f, 3e38f,
                        INFINITY, -INFINITY, NAN, -0.0f, 65504.0f, 65520.0f, 1e10f})
      result.push_back(to_bits(value));
  }
  if (bits == 64) {
    for (double value : {1.0, -1.0, 0.5, 2.5, 1e10, -1e300, 1e20, 4e38, 1e-45, double(INFINITY),
                         double(-INFINITY), double(NAN), -0.0})
      result.push_back(to_bits(value));
  }
  while (result.size() < 96) result.push_back(random() & mask);
  std::uniform_real_distribution<double> moderate(-50, 50);
  while (result.size() < 160) {
    const double value = moderate(random);
    result.push_back(bits == 64   ? to_bits(value)
                     : bits == 32 ? to_bits(static_cast<float>(value))
                                  : random() & 0xbfff);
  }
  std::shuffle(result.begin(), result.end(), random);
  return result;
}

inline float f16_value(u64 bits) {
  const int exponent = static_cast<int>(bits >> 10 & 31);
  const int mantissa = static_cast<int>(bits & 1023);
  float value = exponent == 31 ? (mantissa != 0 ? NAN : INFINITY)
                               : std::ldexp(static_cast<float>(exponent == 0 ? mantissa : mantissa + 1024),
                                            std::max(exponent, 1) - 25);
  return (bits & 0x8000) != 0 ? -value : value;
}
inline float bf16_value(u64 bits) { return from_bits<float>(bits << 16); }

inline bool same(const InstructionCase& c, u64 got, u64 wanted) {
  if (got == wanted) return true;
  const auto close = [&](double a, double b, double ulp) {
    return (a != a && b != b) || std::abs(a - b) <= c.ulps * ulp;
  };
  switch (c.compare) {
    case InstructionCase::bits:
      return false;
    case InstructionCase::as_f16:
      return close(f16_value(got), f16_value(wanted), 0);
    case InstructionCase::as_bf16:
      return close(bf16_value(got), bf16_value(wanted), 0);
    case InstructionCase::as_f32: {
      const float wanted_value = from_bits<float>(wanted);
      return close(from_bits<float>(got), wanted_value,
                   std::nextafter(std::abs(wanted_value), INFINITY) - std::abs(wanted_value));
    }
    case InstructionCase::as_f64:
      return close(from_bits<double>(got), from_bits<double>(wanted), 0);
  }
  return false;
}

inline std::string case_kernel(const InstructionCase& c, std::size_t index) {
  std::string code = c.code;
  const char* const registers[] = {"%a", "%b", "%c"};
  std::string loads;
  std::string declarations;
  for (std::size_t i = 0; i < c.operand_bits.size(); ++i) {
    const std::string bits = std::to_string(c.operand_bits[i]);
    declarations += ".reg .b" + bits + " " + registers[i] + ";\n";
    loads += "ld.param.u64 %d1, [in" + std::to_string(i) + "];\nmad.wide.u32 %d1, %i, " +
             std::to_string(c.operand_bits[i] / 8) + ", %d1;\nld.global.b" + bits + " " + registers[i] +
             ", [%d1];\n";
  }
  const std::string bits = std::to_string(c.result_bits);
  declarations += ".reg .b" + bits + " %d;\n";
  const char* const names[] = {"$a", "$b", "$c", "$d"};
  const char* const replaced[] = {"%a", "%b", "%c", "%d"};
  for (int i = 0; i < 4; ++i) {
    for (std::size_t at = code.find(names[i]); at != std::string::npos; at = code.find(names[i]))
      code.replace(at, 2, replaced[i]);
  }
  return ".visible .entry case_" + std::to_string(index) +
         "(.param .u64 in0, .param .u64 in1, .param .u64 in2, .param .u64 out)\n{\n.reg .b32 %i;\n.reg .b64 "
         "%d1;\n.reg .pred %p<2>;\n" +
         declarations + "mov.u32 %i, %tid.x;\n" + loads + code +
         "\nld.param.u64 %d1, [out];\nmad.wide.u32 %d1, %i, " + std::to_string(c.result_bits / 8) +
         ", %d1;\nst.global.b" + bits + " [%d1], %d;\nret;\n}\n";
}

inline std::vector<unsigned char> pack(const std::vector<u64>& values, int bits) {
  std::vector<unsigned char> bytes;
  for (const u64 value : values) {
    for (int i = 0; i < bits / 8; ++i) bytes.push_back(static_cast<unsigned char>(value >> (8 * i)));
  }
  return bytes;
}

/// All cases as one module, a test for each.
inline void run_cases(const std::vector<InstructionCase>& cases) {
  const Context context;
  std::string ptx = ".version 8.0\n.target sm_80\n.address_size 64\n";
  for (std::size_t i = 0; i < cases.size(); ++i) ptx += case_kernel(cases[i], i);
  CUmodule module = load(ptx);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const InstructionCase& c = cases[i];
    run(c.code.substr(0, c.code.find(" $")) + " #" + std::to_string(i), [&] {
      std::vector<std::vector<u64>> inputs;
      std::array<CUdeviceptr, 3> in{};
      for (std::size_t k = 0; k < c.operand_bits.size(); ++k) {
        inputs.push_back(values(c.operand_bits[k], static_cast<unsigned>(17 * k + 1)));
        in[k] = Buffer<unsigned char>(pack(inputs[k], c.operand_bits[k])).address;
      }
      const std::size_t count = inputs[0].size();
      const Buffer<unsigned char> out(count * static_cast<std::size_t>(c.result_bits) / 8);
      launch(function(module, "case_" + std::to_string(i)), {1, static_cast<unsigned>(count)}, in[0], in[1],
             in[2], out.address);
      const std::vector<unsigned char> results = out.read();
      for (std::size_t n = 0; n < count; ++n) {
        u64 operands[3] = {};
        std::string described;
        for (std::size_t k = 0; k < inputs.size(); ++k) {
          operands[k] = inputs[k][n];
          char text[32];
          std::snprintf(text, sizeof text, " 0x%llx", static_cast<unsigned long long>(operands[k]));
          described += text;
        }
        u64 got = 0;
        std::memcpy(&got, &results[n * static_cast<std::size_t>(c.result_bits) / 8],
                    static_cast<std::size_t>(c.result_bits) / 8);
        const u64 mask = c.result_bits == 64 ? ~u64{0} : (u64{1} << c.result_bits) - 1;
        const u64 wanted = c.expected(operands) & mask;
        char text[120];
        std::snprintf(text, sizeof text, ": got 0x%llx, expected 0x%llx",
                      static_cast<unsigned long long>(got), static_cast<unsigned long long>(wanted));
        expect(same(c, got, wanted), c.code + " of" + described + text);
      }
    });
  }
}

}  // namespace test
