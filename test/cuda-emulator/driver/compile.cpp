// Translates modules and runs the C++ compiler on them. What was compiled is kept, named by a hash of all
// that went into it.

#include <fcntl.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>
#include <vector>

#include "driver/driver_error.h"
#include "driver/kernel_module.h"
#include "scheduler/variant.h"
#include "translator/translate.h"

namespace emulator {
namespace {

// The build says where the sources are, what they hash to, and which compiler it was.
constexpr const char* kSemantics = EMULATOR_SEMANTICS;
constexpr const char* kVersion = EMULATOR_VERSION;
constexpr const char* kCompiler = EMULATOR_COMPILER;
constexpr const char* kCache = EMULATOR_CACHE;

std::string environment(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? otherwise : value;
}

std::vector<std::string> compiler_command() {
  std::vector<std::string> command;
  std::istringstream words(environment("ATTUNE_CUDA_EMULATOR_CXX", kCompiler));
  for (std::string word; words >> word;) command.push_back(word);
  // No exception passes a kernel: one that fails is never returned to. Without the last three the compiler
  // takes a third longer and the kernels are no faster.
  for (const char* flag :
       {"-std=c++20", "-O1", "-ffp-contract=off", "-fno-strict-aliasing", "-fno-math-errno", "-w", "-fPIC",
        "-shared", "-fno-exceptions", "-fno-asynchronous-unwind-tables", "-fno-tree-pta"}) {
    command.emplace_back(flag);
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    command.emplace_back("-march=x86-64-v3");
  for (std::string& flag : sanitizer_flags()) command.push_back(std::move(flag));
  command.push_back("-I" + std::string(kSemantics));
  return command;
}

std::uint64_t fnv(const std::string& text, std::uint64_t hash) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

std::string key_of(const std::string& ptx, const std::vector<std::string>& command) {
  std::string all = ptx + '\0' + kVersion;
  for (const std::string& word : command) all += '\0' + word;
  char text[40];
  std::snprintf(text, sizeof text, "%016llx%016llx",
                static_cast<unsigned long long>(fnv(all, 0xcbf29ce484222325u)),
                static_cast<unsigned long long>(fnv(all, 0x9e3779b97f4a7c15u)));
  return text;
}

int run(const std::vector<std::string>& command, const std::string& log) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 2, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  pid_t child = 0;
  const int failed = posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  int status = failed;
  if (failed == 0) waitpid(child, &status, 0);
  return status;
}

std::string contents(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string translated(const std::string& ptx) {
  try {
    return translate(parse_ptx(ptx), redzone_bytes());
  } catch (const PtxError& error) {
    throw DriverError(CUDA_ERROR_INVALID_PTX, error.what());
  }
}

/// While it lives, other processes wait with the same module, and then find it compiled.
class CompileLock {
 public:
  explicit CompileLock(const std::string& path)
      : path_(path), file_(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
    if (file_ >= 0) flock(file_, LOCK_EX);
  }
  ~CompileLock() {
    if (file_ < 0) return;
    unlink(path_.c_str());
    close(file_);
  }
  CompileLock(const CompileLock&) = delete;
  CompileLock& operator=(const CompileLock&) = delete;

 private:
  std::string path_;
  int file_;
};

}  // namespace

std::string compile_module(const std::string& ptx) {
  std::vector<std::string> command = compiler_command();
  const std::filesystem::path folder = environment("ATTUNE_CUDA_EMULATOR_CACHE", kCache);
  const std::string base = folder / key_of(ptx, command);
  const std::string library = base + ".so";
  if (std::filesystem::exists(library)) return library;
  const std::string source = translated(ptx);
  std::filesystem::create_directories(folder);
  const CompileLock lock(base + ".lock");
  if (std::filesystem::exists(library)) return library;
  // The lock only saves work. Two processes may still compile the same module, so each writes files of its
  // own.
  const std::string mine = base + "." + std::to_string(getpid());
  std::ofstream(mine + ".cpp") << source;
  command.insert(command.end(), {"-x", "c++", mine + ".cpp", "-o", mine + ".so"});
  if (run(command, mine + ".log") != 0) {
    throw DriverError(CUDA_ERROR_INVALID_PTX, "the translated module does not compile: " + mine + ".cpp\n" +
                                                  contents(mine + ".log").substr(0, 4000));
  }
  std::filesystem::rename(mine + ".so", library);
  std::filesystem::remove(mine + ".cpp");
  std::filesystem::remove(mine + ".log");
  return library;
}

}  // namespace emulator
