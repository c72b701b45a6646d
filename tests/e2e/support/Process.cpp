// Processes by fork and exec, watched through a pidfd and /proc.

#include "tests/e2e/support/Process.h"

#include "tests/e2e/support/Eventually.h"
#include "tests/e2e/support/Files.h"
#include "tests/support/TempFolder.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <system_error>

namespace tidewire::e2e {

namespace {

/// The number behind `field:` in a file of /proc.
std::uint64_t procField(const std::string& file, const std::string& field)
{
    std::istringstream lines(readFile(file).value_or(""));
    std::string name;
    while (lines >> name)
    {
        if (name == field + ":")
        {
            std::uint64_t value = 0;
            lines >> value;
            return value;
        }
        std::getline(lines, name);
    }
    throw std::runtime_error("no " + field + " in " + file);
}

// Only async-signal-safe calls: the test has other threads. All signals are blocked at the begin:
// one that comes before the exec must not run a handler of the test.
[[noreturn]] void becomeProgram(char* const* arguments, int out, int err, pid_t parent)
{
    for (int number = 1; number < NSIG; ++number)
    {
        ::signal(number, SIG_DFL);
    }
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() == parent && ::dup2(out, 1) >= 0 && ::dup2(err, 2) >= 0)
    {
        ::execvp(arguments[0], arguments);
    }
    ::_exit(127);
}

} // namespace

Process::Process(const std::string& program,
                 const std::vector<std::string>& arguments,
                 const std::string& stdoutFile,
                 const std::string& stderrFile)
{
    const int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
    const UniqueFd out(::open(stdoutFile.c_str(), flags, 0644));
    const UniqueFd err(::open(stderrFile.c_str(), flags, 0644));
    if (!out || !err)
    {
        throw std::system_error(errno, std::generic_category(), "open output of " + program);
    }
    std::vector<std::string> texts = {program};
    texts.insert(texts.end(), arguments.begin(), arguments.end());
    std::vector<char*> pointers;
    for (std::string& text : texts)
    {
        pointers.push_back(text.data());
    }
    pointers.push_back(nullptr);

    const pid_t parent = ::getpid();
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, &before);
    _pid = ::fork();
    if (_pid == 0)
    {
        becomeProgram(pointers.data(), out.get(), err.get(), parent);
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (_pid < 0)
    {
        throw std::system_error(errno, std::generic_category(), "fork for " + program);
    }
    _handle.reset(static_cast<int>(::syscall(SYS_pidfd_open, _pid, 0)));
    if (!_handle)
    {
        const int code = errno;
        kill();
        throw std::system_error(code, std::generic_category(), "pidfd_open for " + program);
    }
}

Process::~Process()
{
    if (!_status)
    {
        ::kill(_pid, SIGKILL);
        ::waitpid(_pid, nullptr, 0);
    }
}

bool Process::running()
{
    return !wait(std::chrono::milliseconds(0));
}

void Process::signal(int number)
{
    if (!_status)
    {
        ::kill(_pid, number);
    }
}

void Process::kill()
{
    signal(SIGKILL);
    (void)wait(defaultDeadline());
}

std::optional<int> Process::wait(std::chrono::milliseconds deadline)
{
    if (_status)
    {
        return _status;
    }
    pollfd ended = {_handle.get(), POLLIN, 0};
    const int got = ::poll(&ended, 1, static_cast<int>(deadline.count()));
    int status = 0;
    if (got == 1 && ::waitpid(_pid, &status, 0) == _pid)
    {
        _status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }
    return _status;
}

int Process::terminate()
{
    signal(SIGTERM);
    const std::optional<int> code = wait(defaultDeadline());
    if (!code)
    {
        throw std::runtime_error("process " + std::to_string(_pid) + " does not end on SIGTERM");
    }
    return *code;
}

std::uint64_t Process::residentBytes() const
{
    return procField("/proc/" + std::to_string(_pid) + "/status", "VmRSS") * 1024;
}

double Process::cpuSeconds() const
{
    const std::string line = readFile("/proc/" + std::to_string(_pid) + "/stat").value_or("0 () S");
    // The name may hold blanks; the fields behind its bracket begin with number 3.
    std::istringstream fields(line.substr(line.rfind(')') + 1));
    std::string skipped;
    for (int field = 3; field < 14; ++field)
    {
        fields >> skipped;
    }
    double user = 0;
    double system = 0;
    fields >> user >> system;
    return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::uint64_t Process::wakeUps() const
{
    std::uint64_t sum = 0;
    const std::string tasks = "/proc/" + std::to_string(_pid) + "/task";
    for (const auto& task : std::filesystem::directory_iterator(tasks))
    {
        sum += procField((task.path() / "status").string(), "voluntary_ctxt_switches");
    }
    return sum;
}

std::uint64_t Process::ioBytes(const std::string& field) const
{
    return procField("/proc/" + std::to_string(_pid) + "/io", field);
}

ProgramResult runProgram(const std::string& program, const std::vector<std::string>& arguments)
{
    const TempFolder folder;
    Process process(program, arguments, folder / "out", folder / "err");
    const std::optional<int> code = process.wait(defaultDeadline());
    if (!code)
    {
        throw std::runtime_error(program + " does not end");
    }
    return {*code, readFile(folder / "out").value_or(""), readFile(folder / "err").value_or("")};
}

void runShell(const std::string& folder, const std::string& command)
{
    const ProgramResult result =
        runProgram("/bin/sh", {"-c", "cd \"$1\" && shift && eval \"$1\"", "sh", folder, command});
    if (result.exitCode != 0)
    {
        throw std::runtime_error(command + ": " + result.out + result.err);
    }
}

} // namespace tidewire::e2e
