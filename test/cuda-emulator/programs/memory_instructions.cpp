// Loads, stores, atomics, asynchronous copies, calls and branches.

#include <cstring>

#include "gpu.h"

namespace {

using test::Buffer;
using test::Context;
using test::expect_equal;
using Words = std::vector<std::uint32_t>;

Words counted(std::size_t count) {
  Words values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<std::uint32_t>(100 + 7 * i);
  return values;
}

/// Runs a kernel with two buffers, `in` and one of as many zeros, and gives the second.
Words run_kernel(const std::string& body, const Words& in, const std::string& before = "",
                 unsigned threads = 32) {
  const Context context;
  const Buffer<std::uint32_t> from(in);
  const Buffer<std::uint32_t> to(Words(in.size(), 0));
  test::launch(test::function(test::load(test::kernel(body, 2, before)), "k"), {1, threads}, from.address,
               to.address);
  return to.read();
}

const std::string kOwnWords = "mul.wide.u32 %d2, %r0, 16; add.u64 %d3, %d0, %d2; add.u64 %d4, %d1, %d2;\n";

void vectors() {
  const Words in = counted(128);
  const Words out =
      run_kernel(kOwnWords +
                     "ld.global.v4.u32 {%r1, %r2, %r3, %r4}, [%d3]; st.global.v2.u32 [%d4+8], {%r1, %r2}; "
                     "st.global.v2.b64 [%d4], {%d5, %d6}; ld.global.v2.b64 {%d5, %d6}, [%d3]; "
                     "st.global.v2.b64 [%d4], {%d6, %d5};",
                 in);
  for (std::size_t i = 0; i < 128; ++i) expect_equal(out[i], in[i ^ 2], "word " + std::to_string(i));
}

/// Through read-only loads, shared memory in vectors of two and four, and back.
void shared_vectors() {
  const Words in = counted(128);
  const Words out = run_kernel(
      ".shared .align 16 .b8 tile[1024]; mov.u32 %r5, tile; mad.lo.u32 %r5, %r0, 32, %r5;\n" + kOwnWords +
          "ld.global.nc.v4.f32 {%f1, %f2, %f3, %f4}, [%d3]; st.shared.v4.f32 [%r5], {%f1, %f2, %f3, %f4}; "
          "ld.shared.v2.b32 {%r1, %r2}, [%r5+8]; st.shared.v2.u32 [%r5+16], {%r2, %r1}; "
          "ld.global.nc.L1::no_allocate.L2::128B.v2.u32 {%r3, %r4}, [%d3]; st.shared.v2.b32 [%r5+24], {%r4, "
          "%r3}; ld.shared.v2.b64 {%d5, %d6}, [%r5+16]; st.global.cs.v2.b64 [%d4], {%d5, %d6};",
      in);
  for (std::size_t i = 0; i < 128; ++i) expect_equal(out[i], in[i ^ 3], "word " + std::to_string(i));
}

void narrow() {
  const Words out = run_kernel(
      "setp.ne.u32 %p0, %r0, 0; @%p0 bra END; mov.b32 %r1, 0x80; st.global.u8 [%d1], %r1; ld.global.s8 %r2, "
      "[%d1]; st.global.s32 [%d1+4], %r2; "
      "ld.global.u8 %r3, [%d1]; st.global.u32 [%d1+8], %r3; mov.b32 %r4, 0x18000; st.global.u16 [%d1+12], "
      "%r4; ld.global.s16 %r5, [%d1+12]; st.global.u32 [%d1+16], %r5;\nEND:",
      Words(32));
  expect_equal(out[1], 0xffffff80u, "a signed byte");
  expect_equal(out[2], 0x80u, "an unsigned byte");
  expect_equal(out[3], 0x8000u, "a half word");
  expect_equal(out[4], 0xffff8000u, "a signed half word");
}

/// Each space by itself and through a generic address.
void spaces() {
  const std::string before =
      ".const .align 4 .u32 constant[2] = {11, 22};\n.global .align 4 .u32 variable = 33;\n";
  const Words out = run_kernel(
      ".local .align 8 .b8 stack[16]; .shared .align 8 .b32 tile[8]; setp.ne.u32 %p0, %r0, 0; @%p0 bra END;\n"
      "ld.const.u32 %r1, [constant+4]; st.global.u32 [%d1], %r1;\n"
      "ld.global.u32 %r1, [variable]; add.u32 %r1, %r1, 1; st.global.u32 [variable], %r1; mov.u64 %d2, "
      "variable; ld.u32 %r2, [%d2]; st.global.u32 [%d1+4], %r2;\n"
      "mov.u64 %d3, stack; cvta.local.u64 %d4, %d3; mov.b32 %r3, 44; st.local.u32 [%d3+8], %r3; ld.u32 %r4, "
      "[%d4+8]; st.global.u32 [%d1+8], %r4;\n"
      "mov.u64 %d5, tile; cvta.shared.u64 %d6, %d5; mov.b32 %r5, 55; st.shared.u32 [tile+12], %r5; ld.u32 "
      "%r6, [%d6+12]; st.u32 [%d1+12], %r6;\n"
      "cvta.to.shared.u64 %d7, %d6; ld.shared.u32 %r7, [%d7+12]; st.global.u32 [%d1+16], %r7;\n"
      "isspacep.shared %p1, %d6; selp.u32 %r8, 1, 0, %p1; isspacep.shared %p1, %d1; selp.u32 %r9, 2, 0, %p1; "
      "add.u32 %r8, %r8, %r9; st.global.u32 [%d1+20], %r8;\nEND:",
      Words(32), before);
  const std::uint32_t wanted[] = {22, 34, 44, 55, 55, 1};
  for (std::size_t i = 0; i < 6; ++i) expect_equal(out[i], wanted[i], "value " + std::to_string(i));
}

void atomics() {
  const auto result = [](const std::string& operation, std::uint32_t first, const std::string& operand) {
    const Context context;
    const Buffer<std::uint32_t> place(Words{first, 0});
    test::launch(test::function(test::load(test::kernel("add.u32 %r1, %r0, 1; cvt.rn.f32.u32 %f1, %r1;\n" +
                                                        operation + " [%d0], " + operand + ";")),
                                "k"),
                 {}, place.address);
    return place.read()[0];
  };
  const auto as_float = [](std::uint32_t bits) {
    float value = 0;
    std::memcpy(&value, &bits, 4);
    return value;
  };
  expect_equal(result("red.global.add.u32", 5, "%r1"), 5u + 528, "add.u32");
  expect_equal(as_float(result("red.global.add.f32", 0, "%f1")), 528.0f, "add.f32");
  expect_equal(result("red.global.max.s32", 0xffffffff, "%r1"), 32u, "max.s32");
  expect_equal(result("red.global.max.u32", 0xffffffff, "%r1"), 0xffffffffu, "max.u32");
  expect_equal(result("red.global.min.s32", 7, "%r1"), 1u, "min.s32");
  expect_equal(result("red.global.and.b32", 0xff, "0x3c"), 0x3cu, "and");
  expect_equal(result("red.global.or.b32", 0x100, "%r1"), 0x13fu, "or");
  expect_equal(result("red.global.xor.b32", 1, "%r1"), 0x21u, "xor");  // 1 ^ … ^ 32 = 32
  expect_equal(result("red.global.inc.u32", 0, "9"), 2u, "inc: 32 counts of 0 … 9");
  expect_equal(result("red.global.dec.u32", 0, "9"), 8u, "dec: 32 counts of 9 … 0");
  expect_equal(result("red.relaxed.gpu.global.add.noftz.f16x2", 0, "0x40003c00"), 0x54005000u,
               "add.f16x2: 32 and 64");
  // What atom gives is the value before: every thread its own.
  const Words tickets = run_kernel(
      "atom.global.add.u32 %r1, [%d0], 1; mul.wide.u32 %d2, %r0, 4; add.u64 %d3, %d1, %d2; st.global.u32 "
      "[%d3], %r1;",
      Words(32, 0));
  std::uint32_t seen = 0;
  for (const std::uint32_t ticket : tickets) seen |= 1u << ticket;
  expect_equal(seen, 0xffffffffu, "tickets");
  const Words swapped = run_kernel(
      "atom.global.cas.b32 %r1, [%d1], 0, 77; setp.eq.u32 %p0, %r1, 0; @%p0 st.global.u32 [%d1+4], %r0; "
      "setp.eq.u32 %p1, %r0, 9; @%p1 atom.global.exch.b32 %r2, [%d1+8], 5;",
      Words(32));
  expect_equal(swapped[0], 77u, "cas");
  expect_equal(swapped[2], 5u, "exch");
  const Words wide = run_kernel("atom.global.add.u64 %d2, [%d1], 0x100000000;", Words(32));
  expect_equal(wide[1], 32u, "add.u64");
}

void async_copies() {
  const std::string body =
      ".shared .align 16 .b8 tile[1024]; mov.u32 %r1, tile; shl.b32 %r2, %r0, 4; add.u32 %r2, %r1, %r2;\n" +
      kOwnWords +
      "setp.eq.u32 %p0, %r0, 31; selp.b32 %r3, 0, 16, %p0; setp.eq.u32 %p1, %r0, 30; selp.b32 %r3, 6, %r3, "
      "%p1;\n"
      "mov.u64 %d5, 64; selp.b64 %d3, %d5, %d3, %p0;\n"  // lane 31 copies nothing, from nowhere
      "cp.async.cg.shared.global [%r2], [%d3], 16, %r3; cp.async.commit_group;\n"
      "cp.async.ca.shared.global.L2::128B [%r2+512], [%d0+4], 4; cp.async.commit_group;\n"
      "cp.async.wait_group 1; ld.shared.v4.u32 {%r4, %r5, %r6, %r7}, [%r2]; ld.shared.u32 %r8, [%r2+512]; "
      "cp.async.wait_all;\n"
      "setp.eq.u32 %p2, %r0, 3; @%p2 ld.shared.u32 %r4, [%r2+512]; @%p2 mov.u32 %r5, %r8; st.global.v4.u32 "
      "[%d4], {%r4, %r5, %r6, %r7};";
  const Words in = counted(128);
  const Words out = run_kernel(body, in);
  for (std::size_t i = 0; i < 128; ++i) {
    std::uint32_t wanted = in[i];
    if (i == 12) wanted = in[1];               // copied by the second group, after it was waited for
    if (i == 13) wanted = 0xffffffffu;         // and before: not there yet
    if (i == 121) wanted = in[121] & 0xffffu;  // 6 of 16 bytes, the rest zeros
    if (i > 121) wanted = 0;
    expect_equal(out[i], wanted, "word " + std::to_string(i));
  }
}

/// Every size, and in each lane another source size, down to none: what is not copied is zero.
void async_copies_of_each_size() {
  for (const auto& [kind, bytes] : {std::pair{"ca", 4u}, {"ca", 8u}, {"ca", 16u}, {"cg", 16u}}) {
    const Words in = counted(128);
    const Words out = run_kernel(
        ".shared .align 16 .b8 tile[512]; mov.u32 %r1, tile; mad.lo.u32 %r2, %r0, 16, %r1;\n" + kOwnWords +
            "mov.b32 %r3, 0; st.shared.v4.u32 [%r2], {%r3, %r3, %r3, %r3}; rem.u32 %r3, %r0, " +
            std::to_string(bytes + 1) + "; cp.async." + kind + ".shared.global [%r2], [%d3], " +
            std::to_string(bytes) +
            ", %r3; cp.async.wait_all; ld.shared.v4.u32 {%r4, %r5, %r6, %r7}, [%r2]; st.global.v4.u32 [%d4], "
            "{%r4, %r5, %r6, %r7};",
        in);
    std::vector<unsigned char> wanted(512);
    for (std::size_t row = 0; row < 32; ++row)
      std::memcpy(&wanted[16 * row], &in[4 * row], row % (bytes + 1));
    test::expect(std::memcmp(out.data(), wanted.data(), 512) == 0,
                 std::string(kind) + " of " + std::to_string(bytes) + " bytes");
  }
}

const std::string kStructKernel =
    ".version 8.0\n.target sm_80\n.address_size 64\n.extern .shared .align 16 .b8 dynamic[];\n.visible "
    ".entry "
    "k(.param .align 16 .b8 all[4096], .param .u64 to)\n{\n.reg .b32 %r<9>; .reg .b64 %d<9>; .reg .f32 "
    "%f<9>;\nmov.u32 %r0, %tid.x; ld.param.u64 %d1, [to]; ";

/// 4 KiB by value, read by the whole vector at a fixed and at a computed offset, through dynamic shared
/// memory.
void structs_by_value() {
  const Context context;
  const std::string ptx =
      kStructKernel +
      "mov.b64 %d2, all; mul.wide.u32 %d3, %r0, 128; add.s64 %d2, %d2, %d3; ld.param.v4.u32 {%r1, %r2, %r3, "
      "%r4}, [%d2+112]; ld.param.v4.f32 {%f1, %f2, %f3, %f4}, [all+4080];\n"
      "mov.u32 %r5, dynamic; mad.lo.u32 %r5, %r0, 16, %r5; st.shared.v4.u32 [%r5], {%r1, %r2, %r3, %r4}; "
      "st.shared.f32 [%r5+4], %f4; ld.shared.v4.u32 {%r1, %r2, %r3, %r4}, [%r5];\n"
      "mul.wide.u32 %d3, %r0, 16; add.u64 %d1, %d1, %d3; st.global.v4.u32 [%d1], {%r1, %r2, %r3, %r4}; "
      "ret;\n}\n";
  struct alignas(16) Struct {
    std::uint32_t words[1024];
  } all;
  for (std::uint32_t i = 0; i < 1024; ++i) all.words[i] = 3 * i;
  const Buffer<std::uint32_t> to(128);
  test::launch(test::function(test::load(ptx), "k"), {1, 32, 512}, all, to.address);
  const Words got = to.read();
  for (std::uint32_t i = 0; i < 128; ++i) {
    const std::uint32_t wanted = i % 4 == 1 ? 3 * 1023 : 3 * (i / 4 * 32 + 28 + i % 4);
    expect_equal(got[i], wanted, "word " + std::to_string(i));
  }
}

void calls_and_branches() {
  const std::string before =
      ".func (.param .b32 result) weigh(.param .b32 x, .param .align 8 .b8 pair[8])\n{\n.reg .b32 %r<4>; "
      "ld.param.u32 %r1, [x]; ld.param.u32 %r2, [pair+4]; "
      "mad.lo.u32 %r3, %r1, 10, %r2; st.param.b32 [result], %r3; ret;\n}\n";
  const std::string body =
      "{ .param .b32 a; .param .align 8 .b8 b[8]; .param .b32 r; st.param.b32 [a], %r0; mov.b32 %r1, 3; "
      "st.param.b32 [b+4], %r1; call.uni (r), weigh, (a, b); ld.param.b32 %r2, [r]; }\n"
      "and.b32 %r3, %r0, 3; targets: .branchtargets L0, L1, L2, L3;\nbrx.idx %r3, targets;\n"
      "L0: add.u32 %r2, %r2, 1000; bra.uni JOIN;\nL1: add.u32 %r2, %r2, 2000; bra.uni JOIN;\nL2: bra.uni "
      "JOIN;\nL3: mov.u32 %r2, 7;\n"
      "JOIN: mul.wide.u32 %d2, %r0, 4; add.u64 %d3, %d1, %d2; st.global.u32 [%d3], %r2;";
  const Words out = run_kernel(body, Words(32), before);
  for (std::uint32_t i = 0; i < 32; ++i) {
    const std::uint32_t base = 10 * i + 3;
    const std::uint32_t wanted[] = {base + 1000, base + 2000, base, 7};
    expect_equal(out[i], wanted[i % 4], "thread " + std::to_string(i));
  }
}

/// Names within braces hide those outside, as inline assembly needs.
void scopes() {
  const Words out = run_kernel(
      "mov.b32 %r1, 5; { .reg .b32 %r1; .reg .pred p; mov.b32 %r1, 6; setp.eq.u32 p, %r1, 6; { .reg .b32 t; "
      "mov.b32 t, 9; @p st.global.u32 [%d1+4], t; } } st.global.u32 [%d1], %r1;",
      Words(32));
  expect_equal(out[0], 5u, "the outer register");
  expect_equal(out[1], 9u, "the inner one");
}

void host_memory() {
  const Context context;
  void* memory = nullptr;
  MUST(cuMemHostAlloc(&memory, 64, 0));
  auto* words = static_cast<std::uint32_t*>(memory);
  words[0] = 20;
  test::launch(test::function(test::load(test::kernel("atom.global.add.u32 %r1, [%d0], 1;")), "k"), {},
               reinterpret_cast<CUdeviceptr>(memory));
  MUST(cuCtxSynchronize());
  expect_equal(words[0], 52u, "a counter in host memory");
  MUST(cuMemFreeHost(memory));
}

}  // namespace

int main() {
  test::run("ld and st of vectors", vectors);
  test::run("ld.global.nc, and vectors in shared memory", shared_vectors);
  test::run("ld and st of bytes and half words", narrow);
  test::run("state spaces and generic addresses", spaces);
  test::run("atom and red", atomics);
  test::run("cp.async", async_copies);
  test::run("cp.async of each size", async_copies_of_each_size);
  test::run("a struct by value, and dynamic shared memory", structs_by_value);
  test::run("call and brx", calls_and_branches);
  test::run("scopes of names", scopes);
  test::run("kernels reach page-locked host memory", host_memory);
}
