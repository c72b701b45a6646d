# Fails when a program that was built for 32 bits calls a function with a 32-bit time or file offset.
#
#   cmake -DNM=<nm> -DPROGRAMS=<program>,... -P CheckWideTimes.cmake
#
# The shared libraries of Debian 12 have 32-bit times. Calls of them give no error before 2038, so what a program imports is
# looked at instead.

cmake_minimum_required(VERSION 3.25)

# The C library's own, whose wide forms have other names (stat: __stat64_time64, open: open64).
set(narrow
  time times gettimeofday settimeofday clock_gettime clock_settime clock_getres clock_nanosleep nanosleep
  stat fstat lstat fstatat stat64 fstat64 lstat64 fstatat64 utime utimes futimes lutimes futimesat utimensat futimens
  localtime localtime_r gmtime gmtime_r mktime timegm ctime ctime_r difftime
  select pselect ppoll recvmmsg sendmsg recvmsg setsockopt getsockopt ioctl fcntl fcntl64
  getrusage getitimer setitimer timer_settime timer_gettime timerfd_settime timerfd_gettime
  pthread_cond_timedwait pthread_cond_clockwait pthread_mutex_timedlock pthread_mutex_clocklock sem_timedwait sem_clockwait
  sigtimedwait sched_rr_get_interval
  open openat creat lseek pread pwrite truncate ftruncate fallocate posix_fallocate posix_fadvise
  readdir scandir statfs fstatfs statvfs fstatvfs sendfile copy_file_range lockf fopen fseeko ftello mkstemp getrlimit setrlimit)
list(JOIN narrow "|" narrow)

# The C++ library's: the wall clock, and all of std::filesystem but what only looks at names, and weakly_canonical(), which takes
# an entry with a time that is too wide for one of unknown kind.
set(library "_ZNSt6chrono3_V212system_clock3now|_ZNK?St10filesystem")
set(library_allowed "_ZNK?St10filesystem(7__cxx114path|16weakly_canonical)")
# POCO's: what has a time_t, timeval or stat in its signature or in what it gives back.
set(poco "_ZNK?4Poco(9Timestamp13fromEpochTime|4File|17DirectoryIterator|13LocalDateTime|8Timezone|8Timespan|5Event|9Condition|3Net)")

string(REPLACE "," ";" PROGRAMS "${PROGRAMS}")
foreach(program IN LISTS PROGRAMS)
  execute_process(COMMAND ${NM} -D --undefined-only ${program} OUTPUT_VARIABLE imports COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "U [^\n]+" imports "${imports}")
  list(LENGTH imports count)
  if(count LESS 50)
    message(SEND_ERROR "${program}: only ${count} imports were found")
  endif()
  foreach(line IN LISTS imports)
    string(REGEX REPLACE "^U ([^@]+).*" "\\1" symbol "${line}")
    if(symbol MATCHES "^(${narrow})$" OR symbol MATCHES "^(${poco})"
       OR (symbol MATCHES "^(${library})" AND NOT symbol MATCHES "^(${library_allowed})"))
      message(SEND_ERROR "${program} calls ${symbol}, which has a 32-bit time or offset here")
    endif()
  endforeach()
endforeach()
