#pragma once

#include <string>

#include "translator/instruction.h"
#include "translator/ptx.h"

namespace emulator {

/// The C++ of a PTX module: a library whose `emulator_module` is its table of contents. Between shared
/// variables lie `redzone` bytes. Throws PtxError.
[[nodiscard]] std::string translate(const PtxModule& module, std::uint32_t redzone);

[[nodiscard]] const Translations& instruction_table();

/// "static void kernel_name(Thread& t, const std::byte* parameters)" or that of a device function.
[[nodiscard]] std::string function_signature(const PtxFunction& function);
[[nodiscard]] std::string function_name(const PtxFunction& function);

}  // namespace emulator
