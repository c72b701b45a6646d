// The exceptions of tidewire: what could not be done, to what, and whether trying again may help.

#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace tidewire {

/// Base of all exceptions that tidewire throws on purpose.
class Error: public std::runtime_error
{
public:
    explicit Error(const std::string& message): std::runtime_error(message) {}
};

/// The configuration is wrong; the message names file, line and key. The program exits with 78.
class ConfigError: public Error
{
public:
    using Error::Error;
};

/// An operation on a disk failed; carries the errno.
class StorageError: public Error
{
public:
    /// Message: `operation path: text of code`.
    StorageError(std::string_view operation, std::string_view path, int code);

    [[nodiscard]] int code() const { return _code; }

    /// True when the same call may succeed later without anybody's help (full disk, busy, EINTR,
    /// too many open files).
    [[nodiscard]] bool transient() const;

private:
    int _code;
};

/// A database cannot be read or written: nothing that depends on it can go on, whatever file it was about.
class DatabaseError: public StorageError
{
public:
    using StorageError::StorageError;
};

/// Bytes of our own that fail their checksum or cannot be read back.
class CorruptError: public Error
{
public:
    using Error::Error;
};

/// The peer broke the protocol; the connection ends with an ERROR that carries this text.
class ProtocolError: public Error
{
public:
    using Error::Error;
};

/// Throws StorageError with the current errno; call it on the line after the failed call.
[[noreturn]] void throwErrno(std::string_view operation, std::string_view path);

/// `text` for a log line: control bytes and invalid UTF-8 as \xNN, so that a file name can forge
/// no line.
[[nodiscard]] std::string printable(std::string_view text);

} // namespace tidewire
