#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace attune {

/// A session's own workers. The caller works too: a pool of n threads starts n - 1.
///
/// Work is cut into tasks by the shape of the data and never by the number of threads; a thread takes
/// the next task when it is free. What a task computes must not depend on who runs it.
///
/// A job waits only for workers that are in it: one that the system has not woken yet, or gives no
/// processor to, finds the door closed, and the caller has done the work meanwhile.
class ThreadPool {
 public:
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  [[nodiscard]] int threads() const noexcept { return static_cast<int>(workers_.size()) + 1; }

  /// Runs `body(task, thread)` for every task in [0, tasks), thread in [0, threads()), and returns
  /// when all are done. Rethrows the first exception. Not reentrant: a body must not call run().
  template <class Body>
  void run(std::int64_t tasks, const Body& body) {
    run_erased(tasks, &body, [](const void* b, std::int64_t task, int thread) {
      (*static_cast<const Body*>(b))(task, thread);
    });
  }

 private:
  using Invoke = void (*)(const void*, std::int64_t, int);

  void run_erased(std::int64_t tasks, const void* body, Invoke invoke);
  void work(int thread);
  void take_tasks(int thread);
  [[nodiscard]] bool enter() noexcept;
  void leave() noexcept;

  std::vector<std::thread> workers_;
  /// Counts the jobs; what workers wait for.
  std::atomic<std::uint32_t> generation_{0};
  /// kOpen while the job of this generation takes workers in, plus the number of workers in it.
  std::atomic<std::uint32_t> inside_{0};
  std::atomic<bool> stop_{false};
  std::atomic<std::int64_t> next_{0};
  std::int64_t tasks_ = 0;
  const void* body_ = nullptr;
  Invoke invoke_ = nullptr;
  std::mutex failure_mutex_;
  std::exception_ptr failure_;
};

}  // namespace attune
