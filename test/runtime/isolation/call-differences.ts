/** System calls that docker 20.10 answers otherwise than lading, and why. */
export interface CallDifference {
  readonly calls: readonly string[]
  readonly launcher: Answer
  readonly runc: Answer
  readonly docker: Answer
  readonly why: string
}

export type Answer = 'passes' | 'EPERM' | 'ENOSYS'

const words = (text: string) => text.trim().split(/\s+/)

export const callDifferences: readonly CallDifference[] = [
  {
    calls: words('name_to_handle_at process_vm_readv process_vm_writev pkey_mprotect pkey_alloc pkey_free'),
    ...{ launcher: 'passes', runc: 'passes', docker: 'EPERM' },
    why: 'moby allows them since 20.10',
  },
  {
    calls: words('cachestat fchmodat2 futex_wake futex_wait futex_requeue'),
    ...{ launcher: 'passes', runc: 'passes', docker: 'ENOSYS' },
    why: 'younger than docker 20.10; moby allows them',
  },
  {
    calls: words('statmount listmount mseal setxattrat getxattrat listxattrat removexattrat'),
    ...{ launcher: 'passes', runc: 'ENOSYS', docker: 'ENOSYS' },
    why: 'younger than docker 20.10; moby allows them, and the libseccomp of Debian 12, which runc has, does not know them',
  },
  {
    calls: words('lsm_get_self_attr lsm_set_self_attr lsm_list_modules'),
    ...{ launcher: 'EPERM', runc: 'ENOSYS', docker: 'ENOSYS' },
    why: 'no profile allows them; to docker 20.10 and to the libseccomp of Debian 12 they are too young to be refused',
  },
  {
    calls: words('set_mempolicy_home_node'),
    ...{ launcher: 'EPERM', runc: 'EPERM', docker: 'ENOSYS' },
    why: 'only with CAP_SYS_NICE; younger than docker 20.10',
  },
  {
    calls: words('io_uring_setup io_uring_enter io_uring_register'),
    ...{ launcher: 'EPERM', runc: 'EPERM', docker: 'passes' },
    why: 'moby refuses them since 2023, for the many holes there were',
  },
  {
    calls: words('socket(AF_ALG) socket(AF_VSOCK)'),
    ...{ launcher: 'EPERM', runc: 'EPERM', docker: 'passes' },
    why: 'moby refuses both since: they lead to the hypervisor and to a large part of the kernel',
  },
  {
    calls: words('landlock_restrict_self'),
    ...{ launcher: 'passes', runc: 'passes', docker: 'EPERM' },
    why: 'the filters let it pass in all three; the kernel allows it only with no_new_privs, which docker leaves off',
  },
  {
    calls: words('personality'),
    ...{ launcher: 'passes', runc: 'EPERM', docker: 'EPERM' },
    why: 'tried with −1, which asks what it is: the kernel reads 32 bits of it, as our filter does; libseccomp compares 64',
  },
]
