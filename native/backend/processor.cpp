#include "backend/processor.h"

#include <algorithm>
#include <fstream>
#include <thread>

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__linux__)
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace attune {
namespace {

[[nodiscard]] int usable_cores() {
#if defined(__linux__)
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
#endif
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

[[nodiscard]] std::string model_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (!line.starts_with("model name")) continue;
    const std::size_t colon = line.find(':');
    if (colon != std::string::npos && colon + 2 <= line.size()) return line.substr(colon + 2);
  }
  return "unknown processor";
}

#if defined(__x86_64__)
[[nodiscard]] std::string x64_vendor() {
  __builtin_cpu_init();
  if (__builtin_cpu_is("amd")) return "amd";
  if (__builtin_cpu_is("intel")) return "intel";
  return "";
}

#if !defined(ATTUNE_EMULATED_AVX512)
/// Asks the system for AMX's tile registers, which it gives a process and its threads on request alone.
/// Linux, Documentation/arch/x86/xstate.rst.
[[nodiscard]] bool may_use_tiles() {
#if defined(__linux__)
  constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;               // XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}
#endif

/// __builtin_cpu_supports also asks whether the operating system saves the wide registers.
void add_x64_features(std::vector<std::string>& features) {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2")) features.emplace_back("avx2");
  if (__builtin_cpu_supports("fma")) features.emplace_back("fma");
  if (__builtin_cpu_supports("bmi2")) features.emplace_back("bmi2");
#if defined(ATTUNE_EMULATED_AVX512)
  // The build of `npm run test:avx512`: its kernels for AVX-512 are made of AVX2 instructions.
  if (__builtin_cpu_supports("avx2"))
    features.insert(features.end(), {"emulated_avx512", "avx512f", "avx512bw", "avx512dq", "avx512vl",
                                     "avx512_bf16", "amx_tile", "amx_bf16"});
#else
  if (__builtin_cpu_supports("avx512f")) features.emplace_back("avx512f");
  if (__builtin_cpu_supports("avx512bw")) features.emplace_back("avx512bw");
  if (__builtin_cpu_supports("avx512dq")) features.emplace_back("avx512dq");
  if (__builtin_cpu_supports("avx512vl")) features.emplace_back("avx512vl");
  if (__builtin_cpu_supports("avx512bf16")) features.emplace_back("avx512_bf16");
#endif
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  if (__get_cpuid_count(1, 0, &eax, &ebx, &ecx, &edx) != 0 && (ecx & (1U << 29)) != 0)
    features.emplace_back("f16c");
#if !defined(ATTUNE_EMULATED_AVX512)
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0 || !may_use_tiles()) return;
  if ((edx & (1U << 22)) != 0) features.emplace_back("amx_bf16");
  if ((edx & (1U << 24)) != 0) features.emplace_back("amx_tile");
#endif
}
#endif

[[nodiscard]] Processor ask() {
  Processor found;
  found.model = model_name();
  found.cores = usable_cores();
#if defined(__x86_64__)
  found.architecture = "x64";
  found.vendor = x64_vendor();
  add_x64_features(found.features);
#elif defined(__aarch64__)
  found.architecture = "arm64";
  found.features.emplace_back("neon");  // part of the architecture
#else
  found.architecture = "other";
#endif
  return found;
}

}  // namespace

bool Processor::has(const char* feature) const {
  return std::find(features.begin(), features.end(), feature) != features.end();
}

const Processor& processor() {
  static const Processor found = ask();
  return found;
}

}  // namespace attune
