// mma, ldmatrix and movmatrix against plain matrix products. The fragment formulas below are copied from the
// tables of the PTX manual, one line per operand, and know nothing of how the emulator goes about it.

#include <cmath>
#include <cstring>
#include <random>

#include "gpu.h"

namespace {

using test::Buffer;
using test::Context;
using test::expect_equal;
using Words = std::vector<std::uint32_t>;

struct Type {
  std::string name;
  int bits;
};

/// Small integers, so that every product and sum is exact in any format.
int small(std::mt19937& random) { return static_cast<int>(random() % 9) - 4; }

std::uint32_t encode(const std::string& type, int value) {
  const float number = static_cast<float>(value);
  std::uint32_t bits = 0;
  std::memcpy(&bits, &number, 4);
  if (type == "bf16") return bits >> 16;
  if (type == "f32" || type == "tf32") return bits;
  if (type == "f16") {
    if (value == 0) return 0;
    return (bits >> 16 & 0x8000) | ((bits >> 23 & 255) - 112) << 10 | (bits >> 13 & 1023);
  }
  return static_cast<std::uint32_t>(value) & (type == "s32" ? 0xffffffffu : 0xffu);
}

int width(const std::string& type) {
  if (type == "s8" || type == "u8") return 8;
  return type == "f16" || type == "bf16" ? 16 : 32;
}

struct Place {
  int row;
  int column;
};

// groupID = laneid >> 2, threadID_in_group = laneid % 4; i is the index of the element within the thread's
// fragment.
Place place_a(int lane, int i, int k_size, int bits) {
  const int group = lane >> 2;
  const int thread = lane % 4;
  if (bits == 32 && k_size == 4) return {i == 0 ? group : group + 8, thread};               // m16n8k4 .tf32
  if (bits == 32) return {i % 2 == 0 ? group : group + 8, i < 2 ? thread : thread + 4};     // m16n8k8 .tf32
  if (bits == 16 && k_size == 8) return {i < 2 ? group : group + 8, thread * 2 + (i & 1)};  // m16n8k8
  if (bits == 16)
    return {(i < 2 || (i >= 4 && i < 6)) ? group : group + 8,
            i < 4 ? thread * 2 + (i & 1) : thread * 2 + (i & 1) + 8};
  if (k_size == 16) return {i < 4 ? group : group + 8, thread * 4 + (i & 3)};  // m16n8k16 .s8
  return {(i < 4 || (i >= 8 && i < 12)) ? group : group + 8,
          i < 8 ? thread * 4 + (i & 3) : thread * 4 + (i & 3) + 16};  // m16n8k32
}
Place place_b(int lane, int i, int, int bits) {
  const int group = lane >> 2;
  const int thread = lane % 4;
  if (bits == 32) return {i == 0 ? thread : thread + 4, group};
  if (bits == 16) return {i < 2 ? thread * 2 + (i & 1) : thread * 2 + (i & 1) + 8, group};
  return {i < 4 ? thread * 4 + (i & 3) : thread * 4 + (i & 3) + 16, group};
}
Place place_c(int lane, int i) { return {i < 2 ? lane >> 2 : (lane >> 2) + 8, (lane % 4) * 2 + (i & 1)}; }

/// A fragment's registers, elements packed from the low bits on.
Words fragment(int elements, int bits, const std::function<std::uint32_t(int)>& element) {
  Words registers(static_cast<std::size_t>(elements * bits / 32));
  for (int i = 0; i < elements; ++i)
    registers[static_cast<std::size_t>(i * bits / 32)] |= element(i) << (i * bits % 32);
  return registers;
}

std::string register_list(const std::string& name, std::size_t count) {
  std::string text = "{";
  for (std::size_t i = 0; i < count; ++i) text += (i > 0 ? ", " : "") + name + std::to_string(i);
  return text + "}";
}

void multiply(const std::string& shape, int k_size, const std::string& d, const std::string& a,
              const std::string& b) {
  std::mt19937 random(3);
  std::vector<std::vector<int>> A(16, std::vector<int>(static_cast<std::size_t>(k_size)));
  std::vector<std::vector<int>> B(static_cast<std::size_t>(k_size), std::vector<int>(8));
  std::vector<std::vector<int>> C(16, std::vector<int>(8));
  const auto fill = [&](auto& matrix, bool is_unsigned) {
    for (auto& row : matrix) {
      for (int& value : row) value = is_unsigned ? small(random) + 200 : small(random);
    }
  };
  fill(A, a == "u8");
  fill(B, b == "u8");
  fill(C, false);
  Words in;
  std::size_t counts[3] = {};
  for (int lane = 0; lane < 32; ++lane) {
    const int bits = width(a);
    const Words parts[] = {fragment(16 * k_size / 32, bits,
                                    [&](int i) {
                                      const Place p = place_a(lane, i, k_size, bits);
                                      return encode(a, A[p.row][p.column]);
                                    }),
                           fragment(8 * k_size / 32, bits,
                                    [&](int i) {
                                      const Place p = place_b(lane, i, k_size, bits);
                                      return encode(b, B[p.row][p.column]);
                                    }),
                           fragment(4, width(d), [&](int i) {
                             const Place p = place_c(lane, i);
                             return encode(d, C[p.row][p.column]);
                           })};
    for (int part = 0; part < 3; ++part) {
      counts[part] = parts[part].size();
      in.insert(in.end(), parts[part].begin(), parts[part].end());
    }
  }
  const std::size_t total = counts[0] + counts[1] + counts[2];
  std::string code = ".reg .b32 %a<4>, %b<4>, %c<4>, %o<4>;\nmul.wide.u32 %d2, %r0, " +
                     std::to_string(4 * total) + "; add.u64 %d3, %d0, %d2;\n";
  std::size_t offset = 0;
  for (int part = 0; part < 3; ++part) {
    for (std::size_t i = 0; i < counts[part]; ++i, offset += 4) {
      code += std::string("ld.global.b32 %") + "abc"[part] + std::to_string(i) + ", [%d3+" +
              std::to_string(offset) + "];\n";
    }
  }
  code += "mma.sync.aligned." + shape + ".row.col." + d + "." + a + "." + b + "." + d + " " +
          register_list("%o", counts[2]) + ", " + register_list("%a", counts[0]) + ", " +
          register_list("%b", counts[1]) + ", " + register_list("%c", counts[2]) + ";\n";
  code += "mul.wide.u32 %d2, %r0, " + std::to_string(4 * counts[2]) + "; add.u64 %d3, %d1, %d2;\n";
  for (std::size_t i = 0; i < counts[2]; ++i)
    code += "st.global.b32 [%d3+" + std::to_string(4 * i) + "], %o" + std::to_string(i) + ";\n";
  const Context context;
  const Buffer<std::uint32_t> from(in);
  const Buffer<std::uint32_t> to(32 * counts[2]);
  test::launch(test::function(test::load(test::kernel(code, 2)), "k"), {}, from.address, to.address);
  const Words got = to.read();
  for (int lane = 0; lane < 32; ++lane) {
    const Words wanted = fragment(4, width(d), [&](int i) {
      const Place p = place_c(lane, i);
      int sum = C[p.row][p.column];
      for (int k = 0; k < k_size; ++k) sum += A[p.row][k] * B[k][p.column];
      return encode(d, sum);
    });
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      expect_equal(got[static_cast<std::size_t>(lane) * counts[2] + i], wanted[i],
                   "lane " + std::to_string(lane) + ", register " + std::to_string(i));
    }
  }
}

/// 8 x 8 matrices of 16 bits in shared memory, element (r, c) of matrix m being 64 m + 8 r + c; rows 48 bytes
/// apart.
void load_matrices(int count, bool transposed) {
  const std::string n = std::to_string(count);
  std::string code =
      ".shared .align 16 .b8 tile[1536];\nmul.lo.u32 %r1, %r0, 48; mov.u32 %r2, tile; add.u32 %r1, %r1, "
      "%r2;\n";
  for (int column = 0; column < 8; ++column) {
    code += "shl.b32 %r3, %r0, 3; add.u32 %r3, %r3, " + std::to_string(column) +
            "; cvt.u16.u32 %h0, %r3; st.shared.u16 [%r1+" + std::to_string(2 * column) + "], %h0;\n";
  }
  code += "bar.warp.sync 0xffffffff;\nldmatrix.sync.aligned.m8n8.x" + n + (transposed ? ".trans" : "") +
          ".shared.b16 " + "{";
  for (int i = 0; i < count; ++i) code += std::string(i > 0 ? ", " : "") + "%r" + std::to_string(10 + i);
  code += "}, [%r1];\nmul.wide.u32 %d2, %r0, " + std::to_string(4 * count) + "; add.u64 %d3, %d0, %d2;\n";
  for (int i = 0; i < count; ++i)
    code += "st.global.b32 [%d3+" + std::to_string(4 * i) + "], %r" + std::to_string(10 + i) + ";\n";
  const Context context;
  const Buffer<std::uint32_t> to(static_cast<std::size_t>(32 * count));
  test::launch(test::function(test::load(test::kernel(code)), "k"), {}, to.address);
  const Words got = to.read();
  for (int lane = 0; lane < 32; ++lane) {
    for (int matrix = 0; matrix < count; ++matrix) {
      // Row lane / 4, columns 2 (lane % 4) and the next; of the transposed matrix, the same places.
      const int row = lane / 4;
      const int column = 2 * (lane % 4);
      const auto element = [&](int r, int c) {
        return static_cast<std::uint32_t>(64 * matrix + (transposed ? 8 * c + r : 8 * r + c));
      };
      expect_equal(got[static_cast<std::size_t>(lane) * count + matrix],
                   element(row, column + 1) << 16 | element(row, column),
                   "lane " + std::to_string(lane) + ", matrix " + std::to_string(matrix));
    }
  }
}

void transpose() {
  const Context context;
  const Buffer<std::uint32_t> to(32);
  const std::string code =
      "shl.b32 %r1, %r0, 1; add.u32 %r2, %r1, 1; shl.b32 %r2, %r2, 16; or.b32 %r1, %r1, %r2;\n"
      "movmatrix.sync.aligned.m8n8.trans.b16 %r3, %r1; mul.wide.u32 %d2, %r0, 4; add.u64 %d3, %d0, %d2; "
      "st.global.b32 [%d3], %r3;";
  test::launch(test::function(test::load(test::kernel(code)), "k"), {}, to.address);
  const Words got = to.read();
  for (std::uint32_t lane = 0; lane < 32; ++lane) {
    const std::uint32_t row = lane / 4;
    const std::uint32_t column = 2 * (lane % 4);  // element (r, c) was 8 r + c
    expect_equal(got[lane], (8 * (column + 1) + row) << 16 | (8 * column + row),
                 "lane " + std::to_string(lane));
  }
}

/// The lower 13 bits of tf32 operands do not count.
void tf32_is_truncated() {
  const Context context;
  const Buffer<float> to(128);
  const std::string code =
      "mov.b32 %r1, 0x3f801fff;\n"
      "mma.sync.aligned.m16n8k4.row.col.f32.tf32.tf32.f32 {%f0, %f1, %f2, %f3}, {%r1, %r1}, {%r1}, "
      "{0f00000000, 0f00000000, 0f00000000, 0f00000000};\n"
      "mul.wide.u32 %d2, %r0, 16; add.u64 %d3, %d0, %d2; st.global.v4.f32 [%d3], {%f0, %f1, %f2, %f3};";
  test::launch(test::function(test::load(test::kernel(code)), "k"), {}, to.address);
  for (const float value : to.read()) expect_equal(value, 4.0f, "the sum of four products");
}

}  // namespace

int main() {
  const struct {
    const char* shape;
    int k;
    const char *d, *a, *b;
  } forms[] = {{"m16n8k16", 16, "f32", "bf16", "bf16"}, {"m16n8k16", 16, "f32", "f16", "f16"},
               {"m16n8k16", 16, "f16", "f16", "f16"},   {"m16n8k8", 8, "f32", "bf16", "bf16"},
               {"m16n8k8", 8, "f32", "f16", "f16"},     {"m16n8k8", 8, "f16", "f16", "f16"},
               {"m16n8k8", 8, "f32", "tf32", "tf32"},   {"m16n8k4", 4, "f32", "tf32", "tf32"},
               {"m16n8k32", 32, "s32", "s8", "s8"},     {"m16n8k32", 32, "s32", "u8", "s8"},
               {"m16n8k16", 16, "s32", "u8", "u8"}};
  for (const auto& form : forms) {
    test::run(std::string("mma.") + form.shape + "." + form.d + "." + form.a + "." + form.b,
              [&] { multiply(form.shape, form.k, form.d, form.a, form.b); });
  }
  for (const int count : {1, 2, 4}) {
    test::run("ldmatrix.x" + std::to_string(count), [&] { load_matrices(count, false); });
    test::run("ldmatrix.x" + std::to_string(count) + ".trans", [&] { load_matrices(count, true); });
  }
  test::run("movmatrix.trans", transpose);
  test::run("tf32 operands are truncated", tf32_is_truncated);
}
