// Bugs that end the program, one a run: `fatal_bugs NAME`. Under a sanitizer, those that only it sees; and
// their twins without the bug, for which nothing may be said.

#include <cstring>

#include "gpu.h"

namespace {

using test::Buffer;
using test::Context;

void run_kernel(const std::string& text, unsigned blocks = 2, unsigned threads = 64) {
  const Context context;
  const Buffer<std::uint32_t> buffer(std::vector<std::uint32_t>(256, 1));
  test::launch(test::function(test::load(text), "k"), {blocks, threads}, buffer.address);
  MUST(cuCtxSynchronize());
}

/// Every thread writes its word of a tile, reads another's, and writes again: two barriers are needed.
std::string exchange(bool first, bool second) {
  return test::kernel(
      ".shared .align 4 .b8 tile[256]; shl.b32 %r1, %r0, 2; mov.u32 %r2, tile; add.u32 %r3, %r2, %r1; "
      "st.shared.u32 [%r3], %r0;\n" +
      std::string(first ? "bar.sync 0;\n" : "") +
      "xor.b32 %r4, %r1, 252; add.u32 %r4, %r2, %r4; ld.shared.u32 %r5, [%r4];\n" +
      std::string(second ? "bar.sync 0;\n" : "") + "st.shared.u32 [%r3], %r5; bar.sync 0;");
}

/// Within a warp, ordered by bar.warp.sync.
std::string within_warp(bool ordered) {
  return test::kernel(
      ".shared .align 4 .b8 tile[128]; shl.b32 %r1, %r0, 2; mov.u32 %r2, tile; add.u32 %r3, %r2, %r1; "
      "st.shared.u32 [%r3], %r0;\n" +
      std::string(ordered ? "bar.warp.sync 0xffffffff;\n"
                          : "shfl.sync.bfly.b32 %r6, %r0, 1, 31, 0xffffffff;\n") +
      "xor.b32 %r4, %r1, 4; add.u32 %r4, %r2, %r4; ld.shared.u32 %r5, [%r4]; mul.wide.u32 %d1, %r0, 4; "
      "add.u64 %d1, %d0, %d1; st.global.u32 [%d1], %r5;");
}

/// Threads of a block that write the same word of global memory, atomically or not.
std::string count(bool atomically) {
  return test::kernel(atomically
                          ? "red.global.add.u32 [%d0], 1;"
                          : "ld.global.u32 %r1, [%d0]; add.u32 %r1, %r1, 1; st.global.u32 [%d0], %r1;");
}

/// `words` of the first array are written: 33 reach into the second.
std::string fill(int words) {
  return test::kernel(
      ".shared .align 4 .b8 first[128]; .shared .align 4 .b8 second[128]; shl.b32 %r1, %r0, 2; mov.u32 %r2, "
      "first; add.u32 %r2, %r2, %r1; setp.ge.u32 %p0, %r0, " +
      std::to_string(words) +
      "; @%p0 exit; st.shared.u32 [%r2], %r0; mov.u32 %r3, second; st.shared.u32 [%r3+124], %r0;");
}

std::string local_array(int offset) {
  return test::kernel(
      ".local .align 4 .b8 stack[16]; mov.u64 %d1, stack; mul.wide.u32 %d2, %r0, 0; add.u64 %d1, %d1, %d2; "
      "st.local.u32 [%d1+" +
      std::to_string(offset) + "], %r0; ld.local.u32 %r1, [%d1+0]; st.global.u32 [%d0], %r1;");
}

void dereference_device_memory() {
  const Context context;
  const Buffer<float> buffer(std::vector<float>(4, 1));
  const volatile float value = *reinterpret_cast<const float*>(buffer.address);
  std::printf("read %f\n", static_cast<double>(value));
}

}  // namespace

int main(int, char** arguments) {
  const std::string name = arguments[1];
  if (name == "host-dereference")
    dereference_device_memory();
  else if (name == "exchange")
    run_kernel(exchange(true, true));
  else if (name == "exchange-read-too-early")
    run_kernel(exchange(false, true));
  else if (name == "exchange-write-too-early")
    run_kernel(exchange(true, false));
  else if (name == "warp")
    run_kernel(within_warp(true), 2, 32);
  else if (name == "warp-without-sync")
    run_kernel(within_warp(false), 2, 32);
  else if (name == "count")
    run_kernel(count(true));
  else if (name == "count-without-atomic")
    run_kernel(count(false));
  else if (name == "fill")
    run_kernel(fill(32));
  else if (name == "fill-past-the-array")
    run_kernel(fill(33));
  else if (name == "local")
    run_kernel(local_array(12));
  else if (name == "local-past-the-array")
    run_kernel(local_array(16));
  else
    return 2;
  std::printf("finished %s\n", name.c_str());
  return 0;
}
