import { createHash, randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { parsePublished } from '../../src/runtime/network/ports.js'
import { publish } from '../../src/runtime/network/publish.js'
import { proxyUdp } from '../../src/runtime/network/udp-proxy.js'
import { LadingError } from '../../src/spec/errors.js'

test('parsePublished: every form of docker’s -p', t => {
  const one = (text: string) =>
    parsePublished(text).map(
      ({ hostIp, hostPort, containerPort, protocol }) => `${hostIp}|${hostPort}|${containerPort}|${protocol}`,
    )
  t.deepEqual(one('80'), ['|0|80|tcp'])
  t.deepEqual(one('8080:80'), ['|8080|80|tcp'])
  t.deepEqual(one('8080:80/udp'), ['|8080|80|udp'])
  t.deepEqual(one('53:53/UDP'), ['|53|53|udp'])
  t.deepEqual(one('127.0.0.1:8080:80'), ['127.0.0.1|8080|80|tcp'])
  t.deepEqual(one('127.0.0.1::80'), ['127.0.0.1|0|80|tcp'])
  t.deepEqual(one('[::1]:8080:80'), ['::1|8080|80|tcp'])
  t.deepEqual(one('[::1]::80'), ['::1|0|80|tcp'])
  t.deepEqual(one('8000-8001:90-91'), ['|8000|90|tcp', '|8001|91|tcp'])
  t.deepEqual(one('90-91'), ['|0|90|tcp', '|0|91|tcp'])
  t.deepEqual(one('0:80'), ['|0|80|tcp'])
})

test('parsePublished: what is no port is told, with the form that is wanted', t => {
  for (const [text, found] of [
    ['', '"" is no port'],
    ['x', '"x" is no port'],
    ['0', '"0" is not in 1 to 65535'],
    ['65536:80', '"65536" is not in 1 to 65535'],
    ['127.0.0.1:80', '"127.0.0.1" is no port'],
    ['1.2.3:80:80', '"1.2.3" is no IP address'],
    ['[]:80:80', '"" is no IP address'],
    ['[::1]:80', 'there are too many or few colons'],
    ['::1:80:80', 'there are too many or few colons'],
    ['91-90', '"91-90" ends before it begins'],
    ['8000-8002:90-91', '3 ports of the host are not as many as 2 of the container'],
    ['80/sctp', '"sctp" is no protocol that can be published'],
    ['80/tcp/udp', '"tcp/udp" is no protocol that can be published'],
  ] as const) {
    const error = t.throws(() => parsePublished(text), { instanceOf: LadingError })
    t.is(error?.code, 'USAGE')
    t.true(error?.message.startsWith(`Bad published port ${JSON.stringify(text)}: ${found}, wanted `), text)
  }
})

/** A server in place of a container's program, on a loopback address of its own. */
const listen = async (onConnection: (socket: Socket) => void): Promise<{ server: Server; port: number }> => {
  const server = createServer({ allowHalfOpen: true }, onConnection)
  server.listen(0, '127.0.0.2')
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port }
}

const published = (containerPort: number, protocol: 'tcp' | 'udp' = 'tcp') =>
  publish([{ hostIp: '127.0.0.1', hostPort: 0, containerPort, protocol }], '127.0.0.2')

test('publish: the end of one direction leaves the other open', async t => {
  const { server, port } = await listen(async socket => {
    const chunks: Buffer[] = []
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) chunks.push(chunk)
    // Long after the client has ended its half.
    await sleep(50)
    socket.end(`got ${Buffer.concat(chunks)}`)
  })
  const { bound, close } = await published(port)
  const client = connect({ port: bound[0]!.hostPort, host: '127.0.0.1', allowHalfOpen: true })
  client.end('question')
  let answer = ''
  for await (const chunk of client) answer += chunk
  t.is(answer, 'got question')
  await close()
  server.close()
})

test('publish: 100 MB go through unchanged, and a slow reader is not run over', async t => {
  const block = randomBytes(1 << 20)
  const blocks = 100
  const { server, port } = await listen(async socket => {
    for (let sent = 0; sent < blocks; sent++) if (!socket.write(block)) await once(socket, 'drain')
    socket.end()
  })
  const { bound, close } = await published(port)
  const before = process.memoryUsage.rss()
  const client = connect({ port: bound[0]!.hostPort, host: '127.0.0.1' })
  await once(client, 'connect')
  // The client reads nothing: the kernel's buffers fill, then all stand still.
  client.pause()
  await sleep(300)
  const grown = process.memoryUsage.rss() - before
  t.true(grown < 60e6, `${grown} bytes more`)
  const hash = createHash('sha256')
  for await (const chunk of client) hash.update(chunk)
  const wanted = createHash('sha256')
  for (let sent = 0; sent < blocks; sent++) wanted.update(block)
  t.is(hash.digest('hex'), wanted.digest('hex'))
  await close()
  server.close()
})

test('publish: a reset is passed on in both directions, and a refused connection is a reset', async t => {
  const sockets: Socket[] = []
  const ended: Promise<unknown>[] = []
  const { server, port } = await listen(socket => {
    sockets.push(socket)
    ended.push(new Promise(resolve => socket.once('close', resolve)))
    socket.on('error', error => t.is((error as NodeJS.ErrnoException).code, 'ECONNRESET'))
    socket.write('hello')
  })
  const { bound, close } = await published(port)
  const errorOf = async (client: Socket) => ((await once(client, 'error'))[0] as NodeJS.ErrnoException).code
  const join = async () => {
    const client = connect(bound[0]!.hostPort, '127.0.0.1')
    await once(client, 'data')
    return client
  }
  const first = await join()
  const failed = errorOf(first)
  sockets[0]!.resetAndDestroy()
  t.is(await failed, 'ECONNRESET')
  const second = await join()
  second.resetAndDestroy()
  await ended[1]
  server.close()
  await once(server, 'close')
  t.is(await errorOf(connect(bound[0]!.hostPort, '127.0.0.1')), 'ECONNRESET')
  await close()
})

test('publish: close drops connections and frees the port', async t => {
  const { server, port } = await listen(socket => socket.on('error', () => {}).write('hello'))
  const first = await published(port)
  const client = connect(first.bound[0]!.hostPort, '127.0.0.1')
  await once(client, 'data')
  const gone = once(client, 'close')
  await first.close()
  await gone
  const again = await publish(first.bound, '127.0.0.2')
  t.deepEqual(again.bound, first.bound)
  await again.close()
  server.close()
})

test('publish: every address is IPv4’s and IPv6’s, on one port', async t => {
  const { bound, close } = await publish(parsePublished('80'), '127.0.0.2')
  t.is(bound[0]?.hostIp, '0.0.0.0')
  t.true(bound[0]!.hostPort > 0)
  for (const port of bound.slice(1)) {
    t.is(port.hostIp, '::')
    t.is(port.hostPort, bound[0]!.hostPort)
  }
  await close()
})

for (const protocol of ['tcp', 'udp'] as const)
  test(`publish: a ${protocol} port that is in use is named, and nothing stays bound`, async t => {
    const taken = await published(80, protocol)
    const port = taken.bound[0]!.hostPort
    const other = await published(80, protocol)
    await other.close()
    const free = other.bound[0]!
    const error = await t.throwsAsync(
      publish(
        [
          { ...free, hostIp: '127.0.0.3' },
          { hostIp: '127.0.0.1', hostPort: port, containerPort: 80, protocol },
        ],
        '127.0.0.2',
      ),
      { instanceOf: LadingError },
    )
    t.is(error?.code, 'NETWORK')
    t.is(
      error?.message,
      `Cannot publish ${protocol} port ${port}: port ${port} of 127.0.0.1 is already in use`,
    )
    const again = await publish([{ ...free, hostIp: '127.0.0.3' }], '127.0.0.2')
    await again.close()
    await taken.close()
  })

/** A program of the container's that answers with the port that it heard from. */
const udpServer = async (onMessage: (text: string, port: number) => void) => {
  const socket = createSocket('udp4')
  socket.on('message', (text, from) => {
    onMessage(String(text), from.port)
    socket.send(`${text} by ${from.port}`, from.port, from.address)
  })
  socket.bind(0, '127.0.0.2')
  await once(socket, 'listening')
  return socket
}

const udpClient = async (port: number) => {
  const socket = createSocket('udp4')
  socket.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  return socket
}

test('publish: udp answers go back to the client that asked', async t => {
  const server = await udpServer(() => {})
  const { bound, close } = await published(server.address().port, 'udp')
  const clients = await Promise.all([1, 2, 3].map(() => udpClient(bound[0]!.hostPort)))
  const ports = new Set<string>()
  for (const [at, client] of clients.entries())
    for (const round of [1, 2]) {
      const heard = once(client, 'message')
      client.send(`client ${at} round ${round}`)
      const [text, port] = String((await heard)[0]).split(' by ')
      t.is(text, `client ${at} round ${round}`)
      ports.add(port!)
    }
  t.is(ports.size, 3, 'a socket for each client, kept')
  for (const client of clients) client.close()
  await close()
  server.close()
})

test('proxyUdp: a client that was silent for long is forgotten, one that nobody answers is no error', async t => {
  const senders: number[] = []
  const server = await udpServer((_text, port) => senders.push(port))
  const front = createSocket('udp4')
  front.bind(0, '127.0.0.1')
  await once(front, 'listening')
  const stop = proxyUdp(front, { host: '127.0.0.2', port: server.address().port }, 100)
  const client = await udpClient(front.address().port)
  const say = async (pause: number) => {
    client.send('hello')
    await sleep(pause)
  }
  for (const pause of [40, 40, 40, 400, 40]) await say(pause)
  t.is(senders.length, 5)
  t.is(new Set(senders.slice(0, 4)).size, 1)
  t.not(senders[4], senders[0])
  server.close()
  await say(50)
  await say(50)
  stop()
  client.close()
  front.close()
})
