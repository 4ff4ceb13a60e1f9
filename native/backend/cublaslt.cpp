#include "backend/cublaslt.h"

#include <dlfcn.h>

#include <cstdlib>

#include "core/error.h"

namespace attune::cuda {
namespace {

/// CUDA 12.0: from there on all that is declared here is as it is.
constexpr std::size_t kLeastVersion = 120'000;
constexpr const char* kNames[] = {"libcublasLt.so.13", "libcublasLt.so.12"};

/// What an environment variable says; empty where it is not set.
[[nodiscard]] std::string setting(const char* variable) {
  const char* const value = std::getenv(variable);
  return value == nullptr ? "" : value;
}

[[nodiscard]] std::string version_text(std::size_t version) {
  return std::to_string(version / 10'000) + "." + std::to_string(version / 100 % 100) + "." +
         std::to_string(version % 100);
}

void* open_named(const std::string& name) {
  void* const library = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library != nullptr) return library;
  const char* const reason = dlerror();
  refuse_cublaslt(std::string(kCublasLtVariable) + " names " + name + ", which could not be loaded (" +
                  (reason == nullptr ? "no reason given" : reason) +
                  "). Name the file of an installed libcublasLt.so.13");
}

void* open_installed() {
  for (const char* const name : kNames) {
    if (void* const library = dlopen(name, RTLD_NOW | RTLD_LOCAL); library != nullptr) return library;
  }
  return nullptr;
}

template <class Signature>
void find(void* library, const char* name, Signature& function) {
  function = reinterpret_cast<Signature>(dlsym(library, name));
  if (function != nullptr) return;
  const std::string named = setting(kCublasLtVariable);
  refuse_cublaslt((named.empty() ? "The installed cuBLASLt" : named) + " has no " + name +
                  ": it is not cuBLASLt, or too old. attune takes " + version_text(kLeastVersion) +
                  " and newer: install CUDA 13's");
}

[[nodiscard]] CublasLt functions_of(void* library) {
  CublasLt found{};
#define ATTUNE_FIND(name) find(library, #name, found.name)
  ATTUNE_FIND(cublasLtCreate);
  ATTUNE_FIND(cublasLtDestroy);
  ATTUNE_FIND(cublasLtGetVersion);
  ATTUNE_FIND(cublasLtGetStatusName);
  ATTUNE_FIND(cublasLtGetStatusString);
  ATTUNE_FIND(cublasLtMatmulDescCreate);
  ATTUNE_FIND(cublasLtMatmulDescDestroy);
  ATTUNE_FIND(cublasLtMatmulDescSetAttribute);
  ATTUNE_FIND(cublasLtMatrixLayoutCreate);
  ATTUNE_FIND(cublasLtMatrixLayoutDestroy);
  ATTUNE_FIND(cublasLtMatmulPreferenceCreate);
  ATTUNE_FIND(cublasLtMatmulPreferenceDestroy);
  ATTUNE_FIND(cublasLtMatmulPreferenceSetAttribute);
  ATTUNE_FIND(cublasLtMatmulAlgoGetHeuristic);
  ATTUNE_FIND(cublasLtMatmul);
#undef ATTUNE_FIND
  return found;
}

[[nodiscard]] std::string file_of(void* function) {
  Dl_info info{};
  return dladdr(function, &info) == 0 || info.dli_fname == nullptr ? "" : info.dli_fname;
}

}  // namespace

std::string CublasLt::words(CublasStatus status) const {
  const char* const name = cublasLtGetStatusName(status);
  const char* const text = cublasLtGetStatusString(status);
  return std::string(text == nullptr ? "no description" : text) + " (" +
         (name == nullptr ? "unknown error" : name) + ", " + std::to_string(status) + ")";
}

std::optional<CublasLt> load_cublaslt() {
  const std::string named = setting(kCublasLtVariable);
  if (named == "off") return std::nullopt;
  if (named.empty() && !setting(kDriverVariable).empty()) return std::nullopt;
  // It stays loaded: what it started on other threads may outlast the device.
  void* const library = named.empty() ? open_installed() : open_named(named);
  if (library == nullptr) return std::nullopt;
  CublasLt found = functions_of(library);
  const std::size_t version = found.cublasLtGetVersion();
  found.description = "cuBLASLt " + version_text(version) + " (" +
                      file_of(reinterpret_cast<void*>(found.cublasLtMatmul)) + ")";
  if (version < kLeastVersion) {
    refuse_cublaslt(found.description + " is too old: attune takes " + version_text(kLeastVersion) +
                    " and newer. Install CUDA 13's");
  }
  return found;
}

void refuse_cublaslt(const std::string& what) {
  throw Error("unsupported-device", "device",
              what + ", or set " + kCublasLtVariable + "=off to compute with attune's own kernels.");
}

}  // namespace attune::cuda
