// Collectives of a warp and barriers with counts, against the manual's pseudocode and tables.

#include <random>

#include "gpu.h"

namespace {

using test::Buffer;
using test::Context;
using test::expect_equal;
using Words = std::vector<std::uint32_t>;

/// Runs a kernel on the words of one warp (or more), a word in and a word out per thread.
Words run_kernel(const std::string& body, const Words& in) {
  const Context context;
  const Buffer<std::uint32_t> from(in);
  const Buffer<std::uint32_t> to(in.size());
  const std::string code =
      "mul.wide.u32 %d2, %r0, 4;\nadd.u64 %d3, %d0, %d2;\nadd.u64 %d4, %d1, %d2;\nld.global.u32 %r1, "
      "[%d3];\n" +
      body + "\nst.global.u32 [%d4], %r2;";
  test::launch(test::function(test::load(test::kernel(code, 2)), "k"), {1, static_cast<unsigned>(in.size())},
               from.address, to.address);
  return to.read();
}

Words lanes(std::size_t count = 32) {
  Words values(count);
  std::mt19937 random(7);
  for (std::uint32_t& value : values) value = random();
  return values;
}

void check_lanes(const Words& got, const std::function<std::uint32_t(std::uint32_t)>& expected) {
  for (std::uint32_t lane = 0; lane < got.size(); ++lane)
    expect_equal(got[lane], expected(lane), "lane " + std::to_string(lane));
}

/// What __shfl_*_sync of CUDA are defined to give for a width, in their own words.
void shuffle(const std::string& kind, std::uint32_t b, std::uint32_t width) {
  const bool is_up = kind == "up";
  const std::uint32_t clamp = (32 - width) << 8 | (is_up ? 0 : 31);
  const Words in = lanes();
  const std::string operands = std::to_string(b) + ", " + std::to_string(clamp) + ", 0xffffffff;";
  const auto source = [&](std::uint32_t lane, bool& valid) {
    const std::uint32_t base = lane / width * width;
    valid = true;
    if (kind == "idx") return base + b % width;
    if (kind == "up") {
      valid = lane >= base + b;
      return valid ? lane - b : lane;
    }
    const std::uint32_t from = kind == "down" ? lane + b : lane ^ b;
    valid = from < base + width;
    return valid ? from : lane;
  };
  check_lanes(run_kernel("shfl.sync." + kind + ".b32 %r2, %r1, " + operands, in), [&](std::uint32_t lane) {
    bool valid = false;
    return in[source(lane, valid)];
  });
  check_lanes(
      run_kernel("shfl.sync." + kind + ".b32 %r2|%p0, %r1, " + operands + " selp.b32 %r2, 1, 0, %p0;", in),
      [&](std::uint32_t lane) {
        bool valid = false;
        source(lane, valid);
        return std::uint32_t{valid};
      });
}

void reduce(const std::string& operation, const std::string& type,
            const std::function<std::uint32_t(std::uint32_t, std::uint32_t)>& f) {
  const Words in = lanes();
  // The even lanes reduce among themselves, and so do the odd ones.
  const std::string body =
      "and.b32 %r3, %r0, 1; setp.eq.u32 %p0, %r3, 0; selp.b32 %r4, 0x55555555, 0xaaaaaaaa, %p0;\n"
      "redux.sync." +
      operation + "." + type + " %r2, %r1, %r4;";
  check_lanes(run_kernel(body, in), [&](std::uint32_t lane) {
    std::uint32_t result = in[lane % 2];
    for (std::uint32_t other = 2 + lane % 2; other < 32; other += 2) result = f(result, in[other]);
    return result;
  });
}

void votes() {
  const Words in = lanes();
  const std::string odd = "and.b32 %r3, %r1, 1; setp.eq.u32 %p0, %r3, 1; ";
  check_lanes(run_kernel(odd + "vote.sync.ballot.b32 %r2, %p0, 0xffffffff;", in), [&](std::uint32_t) {
    std::uint32_t mask = 0;
    for (int i = 0; i < 32; ++i) mask |= (in[i] & 1) << i;
    return mask;
  });
  const auto vote = [&](const std::string& kind, const std::string& predicate) {
    return run_kernel(
        predicate + "vote.sync." + kind + ".pred %p1, %p0, 0xffffffff; selp.b32 %r2, 1, 0, %p1;", in)[5];
  };
  const std::string all = "setp.lt.u32 %p0, %r0, 32; ";
  const std::string none = "setp.ge.u32 %p0, %r0, 32; ";
  expect_equal(vote("any", odd), 1u, "any of some");
  expect_equal(vote("any", none), 0u, "any of none");
  expect_equal(vote("all", odd), 0u, "all of some");
  expect_equal(vote("all", all), 1u, "all of all");
  expect_equal(vote("uni", odd), 0u, "uni of some");
  expect_equal(vote("uni", none), 1u, "uni of none");
  // In a block of 40 the second warp has 8 lanes.
  expect_equal(
      run_kernel("setp.lt.u32 %p0, %r0, 100; vote.sync.ballot.b32 %r2, %p0, 0xffffffff;", lanes(40))[35],
      0xffu, "a part of a warp");
  expect_equal(
      run_kernel(
          "setp.lt.u32 %p0, %r0, 100; vote.sync.all.pred %p1, %p0, 0xffffffff; selp.b32 %r2, 1, 0, %p1;",
          lanes(40))[35],
      1u, "all of a part");
}

void matches() {
  const Words in = lanes();
  check_lanes(run_kernel("and.b32 %r1, %r1, 3; match.any.sync.b32 %r2, %r1, 0xffffffff;", in),
              [&](std::uint32_t lane) {
                std::uint32_t mask = 0;
                for (int i = 0; i < 32; ++i) mask |= std::uint32_t{(in[i] & 3) == (in[lane] & 3)} << i;
                return mask;
              });
  check_lanes(
      run_kernel(
          "match.all.sync.b32 %r2|%p0, %r1, 0xffffffff; selp.b32 %r3, 100, 0, %p0; add.u32 %r2, %r2, %r3;",
          in),
      [](std::uint32_t) { return 0u; });
  check_lanes(
      run_kernel("match.all.sync.b32 %r2|%p0, 5, 0xffffffff; selp.b32 %r3, 1, 0, %p0; add.u32 %r2, %r2, %r3;",
                 in),
      [](std::uint32_t) { return 0u; });  // 0xffffffff + 1
}

void barrier_reductions() {
  const Words in = lanes(96);
  const std::string odd = "and.b32 %r3, %r1, 1; setp.eq.u32 %p0, %r3, 1; ";
  std::uint32_t count = 0;
  for (const std::uint32_t value : in) count += value & 1;
  check_lanes(run_kernel(odd + "barrier.red.popc.aligned.u32 %r2, 0, %p0;", in),
              [&](std::uint32_t) { return count; });
  check_lanes(run_kernel(odd + "bar.red.or.pred %p1, 1, %p0; selp.b32 %r2, 1, 0, %p1;", in),
              [](std::uint32_t) { return 1u; });
  check_lanes(run_kernel(odd + "bar.red.and.pred %p1, 1, %p0; selp.b32 %r2, 1, 0, %p1;", in),
              [](std::uint32_t) { return 0u; });
  check_lanes(
      run_kernel("setp.lt.u32 %p0, %r0, 96; bar.red.and.pred %p1, 1, 96, %p0; selp.b32 %r2, 1, 0, %p1;", in),
      [](std::uint32_t) { return 1u; });
}

/// All forms of the barrier of a whole block that compilers write: each orders a write and a read.
void barriers() {
  for (const char* barrier : {"bar.sync 0;", "barrier.sync 0;", "barrier.sync.aligned 0;", "bar.cta.sync 0;",
                              "barrier.cta.sync.aligned 0;", "bar.sync 0, 96;"}) {
    const Words in = lanes(96);
    const std::string body =
        ".shared .align 4 .b32 tile[96];\nmov.u32 %r4, tile; mad.lo.u32 %r5, %r0, 4, %r4; st.shared.u32 "
        "[%r5], %r1;\n" +
        std::string(barrier) +
        "\nsub.u32 %r6, 95, %r0; mad.lo.u32 %r5, %r6, 4, %r4; ld.shared.u32 %r2, [%r5];";
    check_lanes(run_kernel(body, in), [&](std::uint32_t thread) { return in[95 - thread]; });
  }
}

/// A producer warp arrives and goes on; a consumer warp waits for it, by barriers of 64 threads with ids.
void producer_and_consumer() {
  const std::string body =
      ".shared .align 4 .b32 tile[32];\nand.b32 %r4, %r0, 31; shl.b32 %r5, %r4, 2; mov.u32 %r6, tile; "
      "add.u32 %r6, %r6, %r5;\n"
      "mov.b32 %r2, 0; setp.ge.u32 %p0, %r0, 32; @%p0 bra CONSUME;\n"
      "st.shared.u32 [%r6], %r1; bar.arrive 3, 64; bra DONE;\n"
      "CONSUME: bar.sync 3, 64; ld.shared.u32 %r2, [%r6];\nDONE:";
  for (const char* order : {"order=forward", "order=reverse", "order=random"}) {
    const Context context;
    MUST(attuneCudaEmulatorConfigure(order));
    const Words in = lanes(64);
    const Buffer<std::uint32_t> from(in);
    const Buffer<std::uint32_t> to(64);
    const std::string code =
        "mul.wide.u32 %d2, %r0, 4; add.u64 %d3, %d0, %d2; add.u64 %d4, %d1, %d2; ld.global.u32 %r1, "
        "[%d3];\n" +
        body + "\nst.global.u32 [%d4], %r2;";
    test::launch(test::function(test::load(test::kernel(code, 2)), "k"), {1, 64}, from.address, to.address);
    check_lanes(to.read(), [&](std::uint32_t thread) { return thread < 32 ? 0u : in[thread - 32]; });
  }
}

void lane_masks() {
  const auto mask = [](const std::string& name) {
    return run_kernel("mov.u32 %r2, %lanemask_" + name + ";", lanes());
  };
  for (std::uint32_t lane = 0; lane < 32; ++lane) {
    const std::uint64_t one = std::uint64_t{1} << lane;
    expect_equal(mask("eq")[lane], static_cast<std::uint32_t>(one), "eq");
    if (lane % 15 != 0) continue;
    expect_equal(mask("lt")[lane], static_cast<std::uint32_t>(one - 1), "lt");
    expect_equal(mask("le")[lane], static_cast<std::uint32_t>(2 * one - 1), "le");
    expect_equal(mask("gt")[lane], ~static_cast<std::uint32_t>(2 * one - 1), "gt");
    expect_equal(mask("ge")[lane], ~static_cast<std::uint32_t>(one - 1), "ge");
  }
}

}  // namespace

int main() {
  for (const char* kind : {"up", "down", "bfly", "idx"}) {
    for (const std::uint32_t width : {32u, 8u}) {
      for (const std::uint32_t b : {1u, 5u}) {
        test::run("shfl.sync." + std::string(kind) + " by " + std::to_string(b) + ", width " +
                      std::to_string(width),
                  [&] { shuffle(kind, b, width); });
      }
    }
  }
  using U = std::uint32_t;
  using S = std::int32_t;
  test::run("redux.sync.add.u32", [] { reduce("add", "u32", [](U a, U b) { return a + b; }); });
  test::run("redux.sync.min.s32", [] {
    reduce("min", "s32", [](U a, U b) { return static_cast<S>(a) < static_cast<S>(b) ? a : b; });
  });
  test::run("redux.sync.max.u32", [] { reduce("max", "u32", [](U a, U b) { return a > b ? a : b; }); });
  test::run("redux.sync.and.b32", [] { reduce("and", "b32", [](U a, U b) { return a & b; }); });
  test::run("redux.sync.or.b32", [] { reduce("or", "b32", [](U a, U b) { return a | b; }); });
  test::run("redux.sync.xor.b32", [] { reduce("xor", "b32", [](U a, U b) { return a ^ b; }); });
  test::run("vote.sync", votes);
  test::run("match.sync", matches);
  test::run("bar.sync and barrier.sync", barriers);
  test::run("barrier.red", barrier_reductions);
  test::run("bar.arrive and bar.sync with a thread count", producer_and_consumer);
  test::run("%lanemask", lane_masks);
}
