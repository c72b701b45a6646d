// Tests of the exceptions: messages that no file name can forge, and what is worth another try.

#include "shared/base/Errors.h"

#include <catch2/catch.hpp>

#include <cerrno>

using namespace tidewire;
using namespace std::string_literals;

TEST_CASE("printable: text is left as it is", "[base]")
{
    const std::string text = GENERATE(""s,
                                      "plain text.txt"s,
                                      "~ \"quoted\" 'too' /a/b"s,
                                      "\xc3\xa4\xc3\xb6\xc3\xbc"s,
                                      "\xe2\x82\xac"s,
                                      "\xed\x9f\xbf\xee\x80\x80"s,
                                      "\xf0\x9f\x98\x80"s,
                                      "\xf4\x8f\xbf\xbf"s,
                                      "\xc2\xa0"s);
    CAPTURE(text);

    CHECK(printable(text) == text);
}

TEST_CASE("printable: control bytes and the escape itself are escaped", "[base]")
{
    CHECK(printable("a\nb") == "a\\x0ab");
    CHECK(printable("\x1b[31m") == "\\x1b[31m");
    CHECK(printable("\0\x7f"s) == "\\x00\\x7f");
    CHECK(printable("a\\x0ab") == "a\\x5cx0ab");
    CHECK(printable("\xc2\x9b"
                    "31m") == "\\xc2\\x9b31m");
}

TEST_CASE("printable: bytes that are no UTF-8 are escaped one by one", "[base]")
{
    CHECK(printable("\x80") == "\\x80");
    CHECK(printable("\xff\xfe") == "\\xff\\xfe");
    CHECK(printable("\xc0\xaf") == "\\xc0\\xaf");
    CHECK(printable("\xc1\xbf") == "\\xc1\\xbf");
    CHECK(printable("\xe0\x80\xaf") == "\\xe0\\x80\\xaf");
    CHECK(printable("\xed\xa0\x80") == "\\xed\\xa0\\x80");
    CHECK(printable("\xf0\x80\x80\xaf") == "\\xf0\\x80\\x80\\xaf");
    CHECK(printable("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");
    CHECK(printable("\xf5\x80\x80\x80") == "\\xf5\\x80\\x80\\x80");
}

TEST_CASE("printable: a sequence that is cut off is escaped, and what follows is kept", "[base]")
{
    CHECK(printable("\xc3") == "\\xc3");
    CHECK(printable("\xe2\x82") == "\\xe2\\x82");
    CHECK(printable("\xf0\x9f\x98") == "\\xf0\\x9f\\x98");
    CHECK(printable("\xe2\x82"
                    "A") == "\\xe2\\x82A");
    CHECK(printable("\xc3\xc3\xa4") == "\\xc3\xc3\xa4");
}

TEST_CASE("StorageError: the message names operation, path and reason in one line", "[base]")
{
    const StorageError error("rename", "a\nb", ENOENT);

    CHECK(error.what() == "rename a\\x0ab: No such file or directory"s);
    CHECK(error.code() == ENOENT);
}

TEST_CASE("StorageError: what passes by itself is transient", "[base]")
{
    const int passing = GENERATE(ENOSPC, EDQUOT, EAGAIN, EBUSY, EINTR, EMFILE, ENFILE, ENOMEM);
    const int lasting = GENERATE(ENOENT, EACCES, EROFS, EIO, ELOOP, EXDEV, EINVAL);
    CAPTURE(passing, lasting);

    CHECK(StorageError("open", "x", passing).transient());
    CHECK_FALSE(StorageError("open", "x", lasting).transient());
}

TEST_CASE("throwErrno: the current errno is carried", "[base]")
{
    errno = EXDEV;
    try
    {
        throwErrno("open", "x");
    }
    catch (const StorageError& error)
    {
        CHECK(error.code() == EXDEV);
    }
}
