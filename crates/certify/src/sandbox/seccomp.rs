//! The system calls that a module may make, as a seccomp filter (OCI runtime spec, *Seccomp*): everything that is not
//! listed is refused with EPERM, as container runtimes do by default, and a module that works there works here. What
//! those allow only to a capability is left out, because a module has none here; so is looking into other processes.

use serde_json::{Value, json};

/// `EPERM`, for what is refused.
const EPERM: u32 = 1;
/// `ENOSYS`, upon which C libraries fall back from `clone3`, whose flags a filter cannot see, to `clone`.
const ENOSYS: u32 = 38;
/// Flags of `clone` that make new namespaces.
const CLONE_NAMESPACES: u64 = 0x7e02_0000;
/// `AF_VSOCK` reaches the host of a virtual machine past every network namespace.
const AF_VSOCK: u64 = 40;
/// The personalities of ordinary programs (`PER_LINUX`, `PER_LINUX32`, each with and without `UNAME26`), and asking.
const PERSONALITIES: [u64; 5] = [0x0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff];

const FILES: &str = "access faccessat faccessat2 chdir fchdir chmod fchmod fchmodat fchmodat2 chown chown32 fchown \
    fchown32 fchownat lchown lchown32 close close_range copy_file_range creat dup dup2 dup3 fadvise64 fadvise64_64 \
    arm_fadvise64_64 fallocate fcntl fcntl64 fdatasync fgetxattr flistxattr flock fremovexattr fsetxattr fstat \
    fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futimesat getcwd getdents getdents64 getxattr \
    getxattrat inotify_add_watch inotify_init inotify_init1 inotify_rm_watch ioctl lgetxattr link linkat listxattr \
    listxattrat llistxattr _llseek lremovexattr lseek lsetxattr lstat lstat64 mkdir mkdirat mknod mknodat newfstatat \
    open openat openat2 pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv \
    removexattr removexattrat rename renameat renameat2 rmdir sendfile sendfile64 setxattr setxattrat splice stat \
    stat64 statfs statfs64 statx symlink symlinkat sync sync_file_range sync_file_range2 arm_sync_file_range syncfs \
    tee truncate truncate64 umask unlink unlinkat utime utimensat utimensat_time64 utimes vmsplice write writev \
    memfd_create memfd_secret landlock_create_ruleset landlock_add_rule landlock_restrict_self mq_getsetattr \
    mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink cachestat";

const PROCESSES: &str = "alarm arch_prctl cacheflush capget capset execve execveat exit exit_group fork vfork \
    get_robust_list get_thread_area getcpu getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups \
    getgroups32 getitimer getpgid getpgrp getpid getppid getpriority getresgid getresgid32 getresuid getresuid32 \
    getrlimit getrusage getsid gettid getuid getuid32 ioprio_get ioprio_set kill membarrier modify_ldt nanosleep \
    pause pidfd_open pidfd_send_signal prctl prlimit64 restart_syscall riscv_flush_icache riscv_hwprobe rseq \
    rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait \
    rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min sched_getaffinity \
    sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 \
    sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield seccomp set_robust_list \
    set_thread_area set_tid_address set_tls setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups \
    setgroups32 setitimer setpgid setpriority setregid setregid32 setresgid setresgid32 setresuid setresuid32 \
    setreuid setreuid32 setrlimit setsid setuid setuid32 sigaltstack signalfd signalfd4 sigprocmask sigreturn \
    sigsuspend sysinfo tgkill time times tkill ugetrlimit uname wait4 waitid waitpid breakpoint";

const MEMORY: &str = "brk madvise mincore mlock mlock2 mlockall mmap mmap2 map_shadow_stack mprotect mremap mseal \
    msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect process_mrelease remap_file_pages shmat \
    shmctl shmdt shmget msgctl msgget msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64 ipc";

const WAITING: &str = "clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep \
    clock_nanosleep_time64 epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait \
    epoll_wait_old eventfd eventfd2 futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake getrandom \
    gettimeofday io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit _newselect \
    poll ppoll ppoll_time64 pselect6 pselect6_time64 select timer_create timer_delete timer_getoverrun \
    timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 \
    timerfd_settime timerfd_settime64 pipe pipe2";

const SOCKETS: &str = "accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg \
    recvmmsg_time64 recvmsg send sendmmsg sendmsg sendto setsockopt shutdown socketcall socketpair";

/// The filter for a host of this architecture, in Go's spelling; `None` for one whose name in filters is not known.
/// An emulated module's calls are made by the emulator, which is a program of the host.
pub(super) fn profile(architecture: &str) -> Option<Value> {
    let architectures: &[&str] = match architecture {
        "amd64" => &["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
        "386" => &["SCMP_ARCH_X86"],
        "arm64" => &["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"],
        "arm" => &["SCMP_ARCH_ARM"],
        "riscv64" => &["SCMP_ARCH_RISCV64"],
        "ppc64le" => &["SCMP_ARCH_PPC64LE"],
        "s390x" => &["SCMP_ARCH_S390X"],
        _ => return None,
    };
    // On s390x the two first arguments of `clone` change places.
    let clone_flags = if architecture == "s390x" { 1 } else { 0 };
    let names: Vec<&str> = [FILES, PROCESSES, MEMORY, WAITING, SOCKETS]
        .into_iter()
        .flat_map(str::split_ascii_whitespace)
        .collect();
    let allow = |name: &str, argument: Value| json!({ "names": [name], "action": "SCMP_ACT_ALLOW", "args": [argument] });
    let mut calls = vec![
        json!({ "names": names, "action": "SCMP_ACT_ALLOW" }),
        allow(
            "clone",
            json!({ "index": clone_flags, "value": CLONE_NAMESPACES, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ" }),
        ),
        json!({ "names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": ENOSYS }),
        allow("socket", json!({ "index": 0, "value": AF_VSOCK, "op": "SCMP_CMP_NE" })),
    ];
    for personality in PERSONALITIES {
        calls.push(allow("personality", json!({ "index": 0, "value": personality, "op": "SCMP_CMP_EQ" })));
    }
    Some(json!({
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": EPERM,
        "architectures": architectures,
        "syscalls": calls,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_leave_the_sandbox_is_not_allowed() {
        let text = profile("amd64").expect("known").to_string();
        for call in
            ["mount", "umount2", "unshare", "setns", "bpf", "ptrace", "init_module", "keyctl", "kexec_load"]
        {
            assert!(!text.contains(&format!("\"{call}\"")), "{call}");
        }
        for call in ["execve", "futex", "openat", "connect"] {
            assert!(text.contains(&format!("\"{call}\"")), "{call}");
        }
        assert_eq!(profile("vax"), None);
    }

    #[test]
    fn no_call_is_listed_twice() {
        let mut names: Vec<&str> = [FILES, PROCESSES, MEMORY, WAITING, SOCKETS]
            .into_iter()
            .flat_map(str::split_ascii_whitespace)
            .collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
