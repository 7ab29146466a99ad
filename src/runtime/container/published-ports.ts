import { everyAddress } from '../network/ports.js'
import type { PublishedPort } from '../settings.js'

/** For -P: what the image exposes, `80/tcp`, `53/udp` (no protocol means tcp). What is no port is passed over. */
export const exposedPorts = (exposed: readonly string[]): readonly PublishedPort[] =>
  exposed.flatMap(text => {
    const [, port = '', protocol = 'tcp'] = /^(\d{1,5})(?:\/(tcp|udp))?$/.exec(text) ?? []
    if (port === '') return []
    return [
      {
        hostIp: everyAddress,
        hostPort: 0,
        containerPort: Number(port),
        protocol: protocol as PublishedPort['protocol'],
      },
    ]
  })
