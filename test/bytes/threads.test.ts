import test from 'ava'
import { settleAll } from '../../src/bytes/settle-all.js'
import { inThread, StopFlag } from '../../src/bytes/threads.js'
import { LadingError } from '../../src/spec/errors.js'

const job = new URL('../helpers/counting-job.js', import.meta.url)

test('inThread gives back what the job gives, and tells of its bytes', async t => {
  let told = 0
  const onBytes = (bytes: number) => {
    told += bytes
  }
  const outputs = await Promise.all(
    [1, 2, 3, 4, 5].map(count => inThread<object, number>(job, { count, bytes: 5 << 20 }, { onBytes })),
  )
  t.deepEqual(outputs, [1, 2, 3, 4, 5])
  t.is(told, 5 * (5 << 20))
})

test('inThread throws what the job throws, code and data and all', async t => {
  const error = await t.throwsAsync(inThread(job, { fail: 'BAD_TAR' }), { instanceOf: LadingError })
  t.is(error.code, 'BAD_TAR')
  t.deepEqual(error.data, { offset: 512 })
  const system = await t.throwsAsync<NodeJS.ErrnoException>(inThread(job, { fail: 'ENOENT' }))
  t.is(system.code, 'ENOENT')
  t.is(system.syscall, 'open')
})

test('a thread that dies fails its job and no other', async t => {
  const [dead, alive] = await Promise.allSettled([
    inThread(job, { fail: 'exit' }),
    inThread<object, number>(job, { count: 7, bytes: 0 }),
  ])
  t.is(dead.status, 'rejected')
  t.deepEqual(alive, { status: 'fulfilled', value: 7 })
  t.is(await inThread<object, number>(job, { count: 8, bytes: 0 }), 8)
})

test('settleAll waits for all, stops the others, and throws the error that was the reason', async t => {
  const stop = new StopFlag()
  const endless = inThread(job, { endless: true }, { stop })
  const error = await t.throwsAsync(settleAll([endless, inThread(job, { fail: 'BAD_TAR' })], stop))
  t.is((error as LadingError).code, 'BAD_TAR')
  await t.throwsAsync(endless, { code: 'ABORTED' })
})
