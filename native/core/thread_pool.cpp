#include "core/thread_pool.h"

namespace attune {
namespace {

/// Kernels follow one another within microseconds, so a worker spins this often before it sleeps:
/// about 50 us on current processors, the price of a wake-up.
constexpr int kSpins = 20'000;

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

ThreadPool::ThreadPool(int threads) {
  for (int thread = 1; thread < threads; ++thread) {
    workers_.emplace_back([this, thread] { work(thread); });
  }
}

ThreadPool::~ThreadPool() {
  {
    const std::scoped_lock lock(mutex_);
    stop_ = true;
  }
  start_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::take_tasks(int thread) {
  for (;;) {
    const std::int64_t task = next_.fetch_add(1, std::memory_order_relaxed);
    if (task >= tasks_) return;
    try {
      invoke_(body_, task, thread);
    } catch (...) {
      const std::scoped_lock lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
      next_ = tasks_;
      return;
    }
  }
}

void ThreadPool::run_erased(std::int64_t tasks, const void* body, Invoke invoke) {
  if (tasks <= 0) return;
  tasks_ = tasks;
  body_ = body;
  invoke_ = invoke;
  failure_ = nullptr;
  next_ = 0;
  if (workers_.empty() || tasks == 1) {
    take_tasks(0);
  } else {
    busy_ = static_cast<int>(workers_.size());
    {
      const std::scoped_lock lock(mutex_);
      generation_.fetch_add(1, std::memory_order_release);
    }
    start_.notify_all();
    take_tasks(0);
    int spins = 0;
    while (busy_.load(std::memory_order_acquire) != 0) {
      if (++spins < kSpins) {
        relax();
      } else {
        std::this_thread::yield();
      }
    }
  }
  if (failure_) std::rethrow_exception(failure_);
}

void ThreadPool::work(int thread) {
  std::uint64_t seen = 0;
  for (;;) {
    int spins = 0;
    while (generation_.load(std::memory_order_acquire) == seen && !stop_ && spins < kSpins) {
      relax();
      ++spins;
    }
    {
      std::unique_lock lock(mutex_);
      start_.wait(lock, [&] { return generation_ != seen || stop_; });
      if (stop_) return;
      seen = generation_;
    }
    take_tasks(thread);
    busy_.fetch_sub(1, std::memory_order_release);
  }
}

}  // namespace attune
