#include "driver/trap.h"

#include <unistd.h>

#include <csignal>
#include <cstring>

namespace emulator {
namespace {

const DeviceMemory* watched = nullptr;
struct sigaction previous;

void say(const char* text) { [[maybe_unused]] const ssize_t written = write(2, text, std::strlen(text)); }

void on_segmentation_fault(int signal, siginfo_t* info, void* context) {
  if (watched->is_device_address(reinterpret_cast<std::uint64_t>(info->si_addr))) {
    say("emulated CUDA: host code dereferenced a device pointer\n");
  }
  if ((previous.sa_flags & SA_SIGINFO) != 0 && previous.sa_sigaction != nullptr) {
    previous.sa_sigaction(signal, info, context);
    return;
  }
  // The instruction runs again and meets the handler that was there before.
  sigaction(signal, &previous, nullptr);
}

}  // namespace

void install_trap(const DeviceMemory& memory) {
  watched = &memory;
  struct sigaction action{};
  action.sa_sigaction = on_segmentation_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGSEGV, &action, &previous);
}

}  // namespace emulator
