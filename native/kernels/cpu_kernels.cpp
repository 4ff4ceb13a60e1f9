#include "kernels/cpu_kernels.h"

#include <utility>

#include "backend/processor.h"

namespace attune {

// One per build of kernels/cpu (see binding.gyp).
namespace cpu::portable {
void register_kernels(KernelTable& table);
}
#if defined(ATTUNE_X64)
namespace cpu::avx2 {
void register_kernels(KernelTable& table);
}
namespace cpu::avx512 {
void register_kernels(KernelTable& table);
}
namespace cpu::avx512_bf16 {
void register_kernels(KernelTable& table);
}
namespace cpu::avx512_amx {
void register_products(KernelTable& table);
}
#endif
#if defined(ATTUNE_ARM64)
namespace cpu::neon {
void register_kernels(KernelTable& table);
}
#endif

namespace {

struct InstructionSet {
  const char* name;
  std::vector<const char*> needs;
  void (*register_kernels)(KernelTable&);
};

#if defined(ATTUNE_X64)
/// Whether vdpbf16ps beats bfloat16 widened to float32. On Sapphire Rapids it does not: 175 against 347
/// GFLOP/s on two cores. Intel's fast unit for bfloat16 is AMX, a set of its own. On AMD's Zen 4 it has twice
/// the float32 rate (460 against 230 GFLOP/s, the same loops on 2 cores of an EPYC).
[[nodiscard]] bool has_fast_pairs() { return processor().vendor == "amd"; }

/// Kernels of avx512 but for the products.
void register_amx_kernels(KernelTable& table) {
  cpu::avx512::register_kernels(table);
  cpu::avx512_amx::register_products(table);
}
#endif

[[nodiscard]] std::vector<InstructionSet> make_instruction_sets() {
  std::vector<InstructionSet> sets = {
#if defined(ATTUNE_X64)
      {"avx512_amx",
       {"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_bf16", "amx_tile", "amx_bf16", "fma", "f16c",
        "bmi2"},
       register_amx_kernels},
      {"avx512_bf16",
       {"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_bf16", "fma", "f16c", "bmi2"},
       cpu::avx512_bf16::register_kernels},
      {"avx512",
       {"avx512f", "avx512bw", "avx512dq", "avx512vl", "fma", "f16c", "bmi2"},
       cpu::avx512::register_kernels},
      {"avx2", {"avx2", "fma", "f16c", "bmi2"}, cpu::avx2::register_kernels},
#endif
#if defined(ATTUNE_ARM64)
      {"neon", {"neon"}, cpu::neon::register_kernels},
#endif
      {"portable", {}, cpu::portable::register_kernels},
  };
#if defined(ATTUNE_X64)
  if (!has_fast_pairs()) std::swap(sets[1], sets[2]);
#endif
  return sets;
}

/// The best first, for this processor.
[[nodiscard]] const std::vector<InstructionSet>& instruction_sets() {
  static const std::vector<InstructionSet> sets = make_instruction_sets();
  return sets;
}

[[nodiscard]] bool runs_here(const InstructionSet& set) {
  for (const char* feature : set.needs) {
    if (!processor().has(feature)) return false;
  }
  return true;
}

}  // namespace

std::vector<std::string> cpu_instruction_sets() {
  std::vector<std::string> names;
  for (const InstructionSet& set : instruction_sets()) {
    if (runs_here(set)) names.emplace_back(set.name);
  }
  return names;
}

KernelTable cpu_kernels(const std::string& instruction_set) {
  for (const InstructionSet& set : instruction_sets()) {
    if (instruction_set != set.name || !runs_here(set)) continue;
    KernelTable table;
    set.register_kernels(table);
    return table;
  }
  std::string known;
  for (const std::string& name : cpu_instruction_sets()) known += (known.empty() ? "" : ", ") + name;
  throw Error(
      "unsupported-device", "instructionSet",
      "This processor and build have no instruction set '" + instruction_set + "'; they have " + known + ".");
}

}  // namespace attune
