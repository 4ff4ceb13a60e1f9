// Kernels and programs with a bug each, which the plain build must catch, and say where it is.

#include <cmath>
#include <cstring>

#include "gpu.h"

namespace {

using test::Buffer;
using test::Context;
using test::expect;
using test::expect_contains;
using test::expect_equal;
using test::Shape;

struct Bug {
  const char* name;
  std::string kernel;
  CUresult code;
  std::vector<std::string> message;
  Shape shape = {1, 64};
};

const std::string kTile =
    ".shared .align 16 .b8 tile[256]; shl.b32 %r1, %r0, 2; mov.u32 %r2, tile; add.u32 %r2, %r2, %r1;\n";

const std::vector<Bug>& bugs() {
  static const std::vector<Bug> all = {
      {"a shared access out of bounds",
       test::kernel(kTile + "st.shared.u32 [%r2+128], %r0;"),
       CUDA_ERROR_ILLEGAL_ADDRESS,
       {"kernel k, block (0,0,0)", "thread (32,0,0), lane 0 of warp 1", "st.shared.u32 [%r2+128], %r0",
        "shared offset 256", "the block has 256 bytes"}},
      {"a global access past its allocation",
       test::kernel("mul.wide.u32 %d2, %r0, 4; add.u64 %d3, %d0, %d2; ld.global.u32 %r1, [%d3+4];"),
       CUDA_ERROR_ILLEGAL_ADDRESS,
       {"thread (63,0,0)", "ld.global.u32 %r1, [%d3+4]",
        "out of bounds: they start 256 bytes into an allocation of 256"}},
      {"a global access before its allocation",
       test::kernel("st.global.u32 [%d0+-4], %r0;"),
       CUDA_ERROR_ILLEGAL_ADDRESS,
       {"no live allocation"}},
      {"a null pointer",
       test::kernel("mov.b64 %d1, 0; ld.u32 %r1, [%d1];"),
       CUDA_ERROR_ILLEGAL_ADDRESS,
       {"no live allocation"}},
      {"a misaligned vector access",
       test::kernel("ld.global.v4.u32 {%r1, %r2, %r3, %r4}, [%d0+8];"),
       CUDA_ERROR_MISALIGNED_ADDRESS,
       {"is not a multiple of 16"}},
      {"a misaligned row of ldmatrix",
       test::kernel(
           kTile +
           "mov.u32 %r3, tile; add.u32 %r3, %r3, 8; ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r4}, [%r3];"),
       CUDA_ERROR_MISALIGNED_ADDRESS,
       {"ldmatrix"}},
      {"a barrier that exited threads do not reach",
       test::kernel("setp.lt.u32 %p0, %r0, 5; @%p0 exit; bar.sync 0;"),
       CUDA_ERROR_LAUNCH_TIMEOUT,
       {"barrier divergence", "threads 0-4 have exited", "threads 5-63 wait at bar.sync 0"}},
      {"two different barriers",
       test::kernel("setp.lt.u32 %p0, %r0, 32; @%p0 bra A; bar.sync 0; bra B; A: bar.sync 0;\nB:"),
       CUDA_ERROR_LAUNCH_FAILED,
       {"barrier divergence", "at another place"}},
      {"barriers with different counts",
       test::kernel("setp.lt.u32 %p0, %r0, 32; @%p0 bra A; bar.sync 1, 96; bra B; A: bar.sync 1, 64;\nB:"),
       CUDA_ERROR_LAUNCH_FAILED,
       {"barrier divergence: barrier 1 waits for"}},
      {"a deadlock",
       test::kernel("setp.lt.u32 %p0, %r0, 32; @%p0 bra A; bar.sync 1, 64; bra B; A: bar.sync 2, 64;\nB:"),
       CUDA_ERROR_LAUNCH_TIMEOUT,
       {"deadlock", "threads 32-63 wait at bar.sync 1, 64", "threads 0-31 wait at bar.sync 2, 64"}},
      {"a shuffle after lanes exited",
       test::kernel("setp.lt.u32 %p0, %r0, 3; @%p0 exit; shfl.sync.bfly.b32 %r1, %r0, 1, 31, 0xffffffff;"),
       CUDA_ERROR_LAUNCH_FAILED,
       {"warp divergence", "0x00000007", "have exited"}},
      {"a shuffle that only some lanes reach",
       test::kernel("setp.lt.u32 %p0, %r0, 16; @%p0 bra A; shfl.sync.bfly.b32 %r1, %r0, 1, 31, 0xffffffff; "
                    "bra B; A: vote.sync.ballot.b32 %r1, %p0, 0xffffffff;\nB:"),
       CUDA_ERROR_LAUNCH_FAILED,
       {"warp divergence", "lanes 0x0000ffff wait at vote.sync"}},
      {"a lane outside of its own mask",
       test::kernel("bar.warp.sync 0x0000ffff;"),
       CUDA_ERROR_LAUNCH_FAILED,
       {"lane 16", "not in its own mask 0x0000ffff"}},
      {"a shuffle from a lane outside of the mask",
       test::kernel("setp.ge.u32 %p0, %r0, 16; @%p0 exit; shfl.sync.bfly.b32 %r1, %r0, 16, 31, 0x0000ffff;"),
       CUDA_ERROR_LAUNCH_FAILED,
       {"lane 0 reads lane 16, which is not in the mask"}},
      {"an mma in different places",
       test::kernel("setp.lt.u32 %p0, %r0, 16; @%p0 bra A; ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r4}, "
                    "[tile]; bra B; A: ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r5}, [tile];\nB:",
                    1, ".shared .align 16 .b8 tile[256];"),
       CUDA_ERROR_LAUNCH_FAILED,
       {"warp divergence", "wait at ldmatrix"}},
      {"cp.async that is never waited for",
       test::kernel(kTile + "mul.wide.u32 %d2, %r0, 4; add.u64 %d3, %d0, %d2; cp.async.ca.shared.global "
                            "[%r2], [%d3], 4; cp.async.commit_group;"),
       CUDA_ERROR_LAUNCH_FAILED,
       {"1 cp.async copies that were never waited for"}},
      {"a trap",
       test::kernel("setp.eq.u32 %p0, %r0, 40; @%p0 trap;"),
       CUDA_ERROR_ILLEGAL_INSTRUCTION,
       {"thread (40,0,0)", "the kernel gave up"}},
  };
  return all;
}

void catch_bug(const Bug& bug, const char* order) {
  const Context context;
  MUST(attuneCudaEmulatorConfigure(order));
  const Buffer<std::uint32_t> buffer(64);
  test::launch(test::function(test::load(bug.kernel), "k"), bug.shape, buffer.address);
  expect_equal(cuCtxSynchronize(), bug.code, "cuCtxSynchronize");
  const std::string message = attuneCudaEmulatorMessage();
  // Who is caught depends on the order; what is caught does not.
  for (const std::string& part : bug.message) {
    if (order == std::string("order=forward")) expect_contains(message, part);
  }
  expect_contains(message, "kernel k, block (0,0,0), thread");
  CUdeviceptr address = 0;
  expect_equal(cuMemAlloc_v2(&address, 16), bug.code, "every call after it");
}

/// A kernel that reads what nothing wrote; the result is NaN.
void expect_nan(const std::string& body) {
  const Context context;
  const Buffer<float> uninitialized(64);
  const Buffer<float> result(std::vector<float>(64, 0));
  test::launch(
      test::function(test::load(test::kernel(
                         "mul.wide.u32 %d2, %r0, 4; add.u64 %d3, %d0, %d2; add.u64 %d4, %d1, %d2;\n" + body +
                             "\nadd.f32 %f1, %f1, 0f3F800000; st.global.f32 [%d4], %f1;",
                         2)),
                     "k"),
      {1, 64}, uninitialized.address, result.address);
  for (const float value : result.read()) expect(std::isnan(value), "got " + std::to_string(value));
}

void a_copied_tile_that_is_still_read() {
  // Thread 32 reads tile[0] after thread 0 began to copy into it: one of the two orders must show NaN.
  const std::string body =
      kTile +
      "mul.wide.u32 %d2, %r0, 4; add.u64 %d3, %d0, %d2; mov.f32 %f1, 0f40000000; st.shared.f32 [%r2], %f1; "
      "bar.sync 0;\n"
      "setp.lt.u32 %p0, %r0, 32; @%p0 cp.async.ca.shared.global [%r2], [%d3], 4; @!%p0 ld.shared.f32 %f1, "
      "[%r2+-128]; bar.sync 0; cp.async.wait_all; st.global.f32 [%d3], %f1;";
  int seen = 0;
  for (const char* order : {"order=forward", "order=reverse"}) {
    const Context context;
    MUST(attuneCudaEmulatorConfigure(order));
    const Buffer<float> buffer(std::vector<float>(64, 1));
    test::launch(test::function(test::load(test::kernel(body)), "k"), {1, 64}, buffer.address);
    for (const float value : buffer.read()) seen += std::isnan(value) ? 1 : 0;
  }
  expect(seen > 0, "no order showed it");
}

/// A write and a read of shared memory without a barrier between them: the orders disagree.
void a_missing_barrier() {
  const std::string body =
      kTile +
      "cvt.rn.f32.u32 %f1, %r0; st.shared.f32 [%r2], %f1; xor.b32 %r3, %r1, 252; mov.u32 %r4, tile; add.u32 "
      "%r4, %r4, %r3; ld.shared.f32 %f2, [%r4]; "
      "mul.wide.u32 %d2, %r0, 4; add.u64 %d3, %d0, %d2; st.global.f32 [%d3], %f2; bar.sync 0;";
  std::vector<std::vector<float>> results;
  for (const char* order : {"order=forward", "order=reverse"}) {
    const Context context;
    MUST(attuneCudaEmulatorConfigure(order));
    const Buffer<float> buffer(64);
    test::launch(test::function(test::load(test::kernel(body)), "k"), {1, 64}, buffer.address);
    results.push_back(buffer.read());
  }
  expect(results[0] != results[1], "the orders agree");
}

void refused_launches() {
  const Context context;
  const CUfunction small = test::function(test::load(test::kernel("", 0, "", ".maxntid 128, 1, 1")), "k");
  expect_equal(test::try_launch(small, {1, 256}), CUDA_ERROR_INVALID_VALUE,
               "more threads than __launch_bounds__");
  expect_contains(attuneCudaEmulatorMessage(), "__launch_bounds__ of 128");
  expect_equal(test::try_launch(small, {1, 128, 50000}), CUDA_ERROR_INVALID_VALUE,
               "more than 48 KiB without opting in");
  expect_contains(attuneCudaEmulatorMessage(), "exceed 49152");
  MUST(cuFuncSetAttribute(small, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 50000));
  expect_equal(test::try_launch(small, {1, 128, 50000}), CUDA_SUCCESS, "after opting in");
  expect_equal(cuFuncSetAttribute(small, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 200000),
               CUDA_ERROR_INVALID_VALUE, "more than there is");
  expect_equal(test::try_launch(small, {0, 32}), CUDA_ERROR_INVALID_VALUE, "no blocks");
  expect_equal(test::try_launch(small, {1, 2048}), CUDA_ERROR_INVALID_VALUE, "too many threads");
}

void refused_copies() {
  const Context context;
  const Buffer<float> buffer(16);
  std::vector<float> host(32);
  expect_equal(cuMemcpyHtoD_v2(buffer.address, host.data(), 128), CUDA_ERROR_INVALID_VALUE,
               "a copy past the end");
  expect_contains(attuneCudaEmulatorMessage(), "past the end");
  expect_equal(cuMemcpyDtoH_v2(reinterpret_cast<void*>(buffer.address), buffer.address, 4),
               CUDA_ERROR_INVALID_VALUE, "a device pointer as the host's");
}

void unknown_instructions() {
  const Context context;
  const std::pair<const char*, const char*> unknown[] = {
      {"wgmma.fence.sync.aligned;", "wgmma.fence"},
      {"add.rn.funny.f32 %f1, %f1, %f2;", "modifier .funny"},
      {"mma.sync.aligned.m16n8k16.row.row.f32.bf16.bf16.f32 {%f1}, {%r1}, {%r2}, {%f2};",
       "the form is not known"},
      {"mov.u32 %r1, %envreg0;", "operand %envreg0"},
      {"add.s32 %r1, %nothing, 1;", "operand %nothing"}};
  for (const auto& [code, message] : unknown) {
    CUmodule module = nullptr;
    expect_equal(cuModuleLoadData(&module, test::kernel(code).c_str()), CUDA_ERROR_INVALID_PTX, code);
    expect_contains(attuneCudaEmulatorMessage(), message);
  }
}

}  // namespace

int main() {
  for (const Bug& bug : bugs()) {
    for (const char* order : {"order=forward", "order=reverse", "order=random"}) {
      test::run(std::string(bug.name) + ", " + order, [&] { catch_bug(bug, order); });
    }
  }
  test::run("uninitialized global memory", [] { expect_nan("ld.global.f32 %f1, [%d3];"); });
  test::run("uninitialized shared memory",
            [] { expect_nan(".shared .align 4 .b8 tile[4]; ld.shared.f32 %f1, [tile];"); });
  test::run("uninitialized local memory",
            [] { expect_nan(".local .align 4 .b8 stack[8]; ld.local.f32 %f1, [stack+4];"); });
  test::run("a read before cp.async was waited for", [] {
    expect_nan(kTile +
               "st.global.f32 [%d3], 0f3F800000; cp.async.ca.shared.global [%r2], [%d3], 4; "
               "cp.async.commit_group; ld.shared.f32 %f1, [%r2]; cp.async.wait_all;");
  });
  test::run("a copy into a tile that is still read", a_copied_tile_that_is_still_read);
  test::run("a missing barrier makes the orders disagree", a_missing_barrier);
  test::run("launches that a GPU refuses", refused_launches);
  test::run("copies out of bounds", refused_copies);
  test::run("instructions that the translator does not know", unknown_instructions);
}
