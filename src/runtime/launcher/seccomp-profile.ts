import type { CapabilityName } from './capabilities.js'
import type { MachineName } from './every-system-call.js'

/**
 * Docker's default seccomp profile as data: which system calls a container may make. From moby's
 * profiles/seccomp/default_linux.go as of August 2026; names that neither x86-64 nor arm64 has are left out.
 *
 * Against the profile of Docker 20.10 it refuses what has since been found dangerous (io_uring_*, sockets of
 * AF_ALG and AF_VSOCK) and allows calls that are younger (fchmodat2, futex_wait, mseal, statmount, *xattrat …)
 * and pkey_*. What no rule names is refused with EPERM; what is newer than every rule, with ENOSYS, so that a C
 * library falls back to an older call.
 */
export interface SeccompProfile {
  /** What becomes of a call that no rule is about. */
  readonly otherwise: SeccompAction
  readonly rules: readonly SeccompRule[]
}

export interface SeccompRule {
  readonly names: readonly string[]
  /** Absent: allow. */
  readonly action?: SeccompAction
  /** Only when all of them hold. Of several rules for one name the first that holds counts. */
  readonly tests?: readonly ArgumentTest[]
  /** Only for a container that has all of these capabilities. */
  readonly capabilities?: readonly string[]
  /** Only for one that has none of them. */
  readonly withoutCapabilities?: readonly string[]
  /** Only on these machines. */
  readonly machines?: readonly MachineName[]
}

export type SeccompAction =
  | 'allow'
  | 'log'
  | 'trap'
  | 'kill-thread'
  | 'kill-process'
  /** Refuse with this. */
  | { readonly errno: number }

export type Comparison =
  | 'equal'
  | 'not-equal'
  | 'less'
  | 'less-or-equal'
  | 'greater'
  | 'greater-or-equal'
  /** (argument & mask) == value */
  | 'masked-equal'

export interface ArgumentTest {
  readonly index: number
  readonly is: Comparison
  readonly value: number
  readonly mask?: number
  /** All 64 bits are compared. Else the lower 32, as the kernel does of an int: the upper half cannot evade it (socket(2^32 + AF_ALG)). */
  readonly wide?: boolean
}

const words = (text: string): readonly string[] => text.trim().split(/\s+/)

const always = words(`
  accept accept4 access adjtimex alarm bind brk cachestat capget capset chdir chmod chown clock_adjtime
  clock_getres clock_gettime clock_nanosleep close close_range connect copy_file_range creat dup dup2 dup3
  epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old
  eventfd eventfd2 execve execveat exit exit_group faccessat faccessat2 fadvise64 fallocate fanotify_mark
  fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl fdatasync fgetxattr flistxattr flock fork
  fremovexattr fsetxattr fstat fstatfs fsync ftruncate futex futex_requeue futex_wait futex_waitv futex_wake
  futimesat get_robust_list get_thread_area getcpu getcwd getdents getdents64 getegid geteuid getgid
  getgroups getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid getresuid
  getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday getuid getxattr getxattrat
  inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents
  io_pgetevents io_setup io_submit ioctl ioprio_get ioprio_set kill landlock_add_rule
  landlock_create_ruleset landlock_restrict_self lchown lgetxattr link linkat listen listmount listxattr
  listxattrat llistxattr lremovexattr lseek lsetxattr lstat madvise map_shadow_stack membarrier memfd_create
  memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap mprotect mq_getsetattr
  mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink mremap mseal msgctl msgget msgrcv msgsnd msync
  munlock munlockall munmap name_to_handle_at nanosleep newfstatat open openat openat2 pause pidfd_open
  pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll prctl pread64 preadv preadv2
  prlimit64 process_mrelease pselect6 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv
  recvfrom recvmmsg recvmsg remap_file_pages removexattr removexattrat rename renameat renameat2
  restart_syscall rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn
  rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min
  sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity
  sched_setattr sched_setparam sched_setscheduler sched_yield seccomp select semctl semget semop semtimedop
  sendfile sendmmsg sendmsg sendto set_robust_list set_thread_area set_tid_address setfsgid setfsuid setgid
  setgroups setitimer setpgid setpriority setregid setresgid setresuid setreuid setrlimit setsid setsockopt
  setuid setxattr setxattrat shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4 socketpair
  splice stat statfs statmount statx symlink symlinkat sync sync_file_range syncfs sysinfo tee tgkill time
  timer_create timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime
  timerfd_settime times tkill truncate umask uname unlink unlinkat uretprobe utime utimensat utimes vfork
  vmsplice wait4 waitid write writev
`)

/** Every CLONE_NEW* flag but CLONE_NEWTIME, which clone(2) cannot take. */
const namespaceFlags = 0x7e02_0000
const enosys = 38
/** Of sys/socket.h. */
const [afAlg, afVsock] = [38, 40]
/** PER_LINUX, PER_LINUX32, UNAME26, PER_LINUX32 with UNAME26, and to ask which it is. */
const personalities = [0x0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff]

const forCapability = (capability: CapabilityName, names: string): SeccompRule => ({
  names: words(names),
  capabilities: [capability],
})

const rules: readonly SeccompRule[] = [
  { names: always },
  // Safe to trace with since Linux 4.8: a tracer could change a call after it was checked.
  { names: words('process_vm_readv process_vm_writev ptrace') },
  { names: ['socket'], tests: [{ index: 0, is: 'less', value: afAlg }] },
  { names: ['socket'], tests: [{ index: 0, is: 'equal', value: afAlg + 1 }] },
  { names: ['socket'], tests: [{ index: 0, is: 'greater', value: afVsock }] },
  ...personalities.map(value => ({
    names: ['personality'],
    tests: [{ index: 0, is: 'equal', value } as const],
  })),
  { names: ['sync_file_range2'], machines: ['arm64'] },
  { names: ['arch_prctl', 'modify_ldt'], machines: ['x86-64'] },
  forCapability('dac_read_search', 'open_by_handle_at'),
  forCapability(
    'sys_admin',
    `bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr
     lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open quotactl
     quotactl_fd setdomainname sethostname setns syslog umount2 unshare`,
  ),
  {
    names: ['clone'],
    tests: [{ index: 0, is: 'masked-equal', mask: namespaceFlags, value: 0 }],
    withoutCapabilities: ['sys_admin'],
  },
  // Its flags lie in memory where a filter cannot look: C libraries fall back to clone.
  { names: ['clone3'], action: { errno: enosys }, withoutCapabilities: ['sys_admin'] },
  forCapability('sys_boot', 'reboot'),
  forCapability('sys_chroot', 'chroot'),
  forCapability('sys_module', 'delete_module init_module finit_module'),
  forCapability('sys_pacct', 'acct'),
  forCapability('sys_ptrace', 'kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace'),
  forCapability('sys_rawio', 'iopl ioperm'),
  forCapability('sys_time', 'settimeofday clock_settime'),
  forCapability('sys_tty_config', 'vhangup'),
  forCapability('sys_nice', 'get_mempolicy mbind set_mempolicy set_mempolicy_home_node'),
  forCapability('syslog', 'syslog'),
  forCapability('bpf', 'bpf'),
  forCapability('perfmon', 'perf_event_open'),
]

const eperm = 1
export const defaultProfile: SeccompProfile = { otherwise: { errno: eperm }, rules }
