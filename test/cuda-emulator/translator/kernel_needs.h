#pragma once

// What a kernel needs of its block, with all the functions that it calls: shared memory, and whether its
// threads meet.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "translator/ptx.h"

namespace emulator {

using Functions = std::map<std::string, const PtxFunction*>;

/// The function and all that it calls.
[[nodiscard]] std::set<const PtxFunction*> reachable(const PtxFunction& function, const Functions& functions);

/// Whether one of them has barriers or collectives of a warp.
[[nodiscard]] bool meets(const std::set<const PtxFunction*>& functions);

/// Where shared variables lie. Those of the module and of device functions have one place in all kernels;
/// those of a kernel follow, so that two kernels use the same memory. Variables that are declared extern have
/// no size: they are the dynamic part behind all others.
class SharedLayout {
 public:
  struct Place {
    std::uint32_t offset;
    std::uint32_t bytes;
  };
  struct OfKernel {
    std::vector<Place> places;   // of the variables that the kernel may touch
    std::uint32_t end = 0;       // dynamic shared memory starts here
    std::uint32_t packed_bytes;  // of the variables alone, which is what a GPU gives them
  };

  /// Between variables lie `redzone` bytes.
  SharedLayout(const PtxModule& module, const Functions& functions, std::uint32_t redzone);

  [[nodiscard]] OfKernel of_kernel(const PtxFunction& kernel, const Functions& functions) const;
  /// The offset of a variable as the function sees it, or null.
  [[nodiscard]] const std::uint32_t* find(const PtxFunction& function, const std::string& name) const;
  [[nodiscard]] bool is_dynamic(const std::string& name) const { return dynamic_.count(name) > 0; }

 private:
  void place(const PtxVariable& variable, std::map<std::string, std::uint32_t>& names, std::uint32_t& end);

  std::uint32_t redzone_;
  std::vector<const PtxVariable*> module_variables_;
  std::map<std::string, std::uint32_t> module_names_;
  std::map<const PtxFunction*, std::map<std::string, std::uint32_t>> own_names_;
  std::set<std::string> dynamic_;
};

}  // namespace emulator
