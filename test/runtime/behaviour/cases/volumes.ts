import type { Subject } from '../case.js'

export const volumes: Subject = {
  title: 'Volumes, binds and tmpfs',
  cases: [
    {
      name: '-v of a folder of the host',
      steps: [
        `- $ mkdir given && echo host > given/file`,
        `run --rm -v DIR/given:/mnt IMAGE sh -c 'cat /mnt/file; echo back > /mnt/new'`,
        '$ cat given/new',
      ],
      expect: '?',
    },
    {
      name: '-v …:ro',
      steps: [
        `- $ mkdir given && echo host > given/file`,
        `run --rm -v DIR/given:/mnt:ro IMAGE sh -c 'cat /mnt/file; touch /mnt/new'`,
      ],
      expect: '?',
    },
    {
      name: '-v of a file of the host',
      steps: [`- $ echo host > file`, `run --rm -v DIR/file:/etc/passwd IMAGE cat /etc/passwd`],
      expect: '?',
    },
    {
      name: '-v of a folder that is not there makes it',
      steps: [`run --rm -v DIR/made:/mnt IMAGE touch /mnt/x`, `$ ls made`],
      expect: '?',
    },
    {
      name: '-v over what the image has',
      steps: [`- $ mkdir given`, `run --rm -v DIR/given:/data IMAGE ls /data`],
      expect: '?',
    },
    {
      name: '-v of a volume with a name: begins with what the image has there, and stays',
      steps: [
        `run --rm -v vol-NAME:/data IMAGE sh -c 'cat /data/seed; echo more > /data/more'`,
        `run --rm -v vol-NAME:/data IMAGE sh -c 'cat /data/seed /data/more'`,
      ],
      expect: '?',
    },
    {
      name: '-v without a source: a volume of its own, gone with --rm',
      steps: [`run --rm -v /data IMAGE cat /data/seed`],
      expect: '?',
    },
    { name: '-v that is not absolute', steps: ['run --rm -v DIR:mnt IMAGE true'], expect: '?' },
    {
      name: '-v with a mode that there is not',
      steps: ['run --rm -v DIR:/mnt:nope IMAGE true'],
      expect: '?',
    },
    {
      name: '-v twice to the same place',
      steps: ['run --rm -v DIR:/mnt -v DIR:/mnt IMAGE true'],
      expect: '?',
    },
    { name: '-v to /', steps: ['run --rm -v DIR:/ IMAGE true'], expect: '?' },
    {
      name: 'VOLUME of the image',
      image: { Volumes: { '/data': {} } },
      steps: [
        `- run --name NAME IMAGE sh -c 'cat /data/seed; echo kept > /data/kept; mount | grep -c " /data "'`,
        '- cp NAME:/data/kept DIR/kept',
        '$ cat kept',
        'diff NAME',
      ],
      expect: '?',
    },
    {
      name: '--tmpfs',
      steps: [
        `run --rm --tmpfs /mnt:size=1m,mode=700 IMAGE sh -c 'stat -c %a /mnt; mount | grep " /mnt " | cut -d " " -f 1,3,5; head -c 2000000 /dev/zero > /mnt/x'`,
      ],
      expect: '?',
    },
    {
      name: '--tmpfs hides what the image has',
      steps: ['run --rm --tmpfs /data IMAGE ls /data'],
      expect: '?',
    },
    { name: '--read-only', steps: ['run --rm --read-only IMAGE touch /x'], expect: '?' },
    {
      name: '--read-only with --tmpfs and -v',
      steps: [
        `run --rm --read-only --tmpfs /tmp -v /data IMAGE sh -c 'touch /tmp/x /data/x /dev/shm/x && touch /etc/x'`,
      ],
      expect: '?',
    },
    {
      name: 'what a container writes does not come to another',
      steps: ['- run --rm IMAGE touch /mine', 'run --rm IMAGE test -e /mine'],
      expect: '?',
    },
  ],
}
