// A program that a test starts, watches from outside and ends.

#pragma once

#include "shared/base/UniqueFd.h"

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tidewire::e2e {

/// One process; killed when the object goes, or when the test itself dies.
///
/// Thread: the one that made it must live as long as the process.
class Process
{
public:
    /// Starts `program`; its two outputs are appended to the files.
    Process(const std::string& program,
            const std::vector<std::string>& arguments,
            const std::string& stdoutFile,
            const std::string& stderrFile);
    ~Process();

    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    [[nodiscard]] pid_t pid() const { return _pid; }
    [[nodiscard]] bool running();

    void signal(int number);

    /// SIGKILL, and waits for the end.
    void kill();

    /// The exit code, or minus the signal that ended it; nothing when it still runs at the deadline.
    [[nodiscard]] std::optional<int> wait(std::chrono::milliseconds deadline);

    /// SIGTERM, and waits; throws when it does not end. Returns as wait().
    int terminate();

    /// Bytes of resident memory.
    [[nodiscard]] std::uint64_t residentBytes() const;

    /// Seconds of processor time so far, user and system.
    [[nodiscard]] double cpuSeconds() const;

    /// Voluntary context switches of all threads so far: how often something woke up.
    [[nodiscard]] std::uint64_t wakeUps() const;

    /// A counter of /proc/PID/io: rchar, wchar, read_bytes, write_bytes.
    [[nodiscard]] std::uint64_t ioBytes(const std::string& field) const;

private:
    pid_t _pid = -1;
    UniqueFd _handle; // pidfd: readable when the process has ended
    std::optional<int> _status;
};

/// What a program that ran to its end left.
struct ProgramResult
{
    int exitCode = 0;
    std::string out;
    std::string err;
};

/// Runs a program to its end; throws when it takes longer than the default deadline.
[[nodiscard]] ProgramResult runProgram(const std::string& program,
                                       const std::vector<std::string>& arguments);

/// Runs a shell command in a folder; throws unless it exits with 0.
void runShell(const std::string& folder, const std::string& command);

} // namespace tidewire::e2e
