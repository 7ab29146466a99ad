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
      expect: ['0 host', '0 back'],
    },
    {
      name: '-v …:ro',
      steps: [
        `- $ mkdir given && echo host > given/file`,
        `run --rm -v DIR/given:/mnt:ro IMAGE sh -c 'cat /mnt/file; touch /mnt/new'`,
      ],
      expect: '1 host ! touch: /mnt/new: Read-only file system',
    },
    {
      name: '-v of a file of the host',
      steps: [`- $ echo host > file`, `run --rm -v DIR/file:/etc/passwd IMAGE cat /etc/passwd`],
      expect: '0 host',
    },
    {
      name: '-v of a volume with a name: begins with what the image has there, and stays',
      steps: [
        `run --rm -v vol-NAME:/data IMAGE sh -c 'cat /data/seed; echo more > /data/more'`,
        `run --rm -v vol-NAME:/data IMAGE sh -c 'cat /data/seed /data/more'`,
      ],
      expect: ['0 from the image', '0 from the image ⏎ more'],
    },
    {
      name: '-v that is not absolute',
      steps: ['run --rm -v DIR:mnt IMAGE true'],
      expect: '125 ! bad volume',
    },
    {
      name: '-v with a mode that there is not',
      steps: ['run --rm -v DIR:/mnt:nope IMAGE true'],
      expect: '125 ! bad volume',
    },
    {
      name: '-v twice to the same place',
      steps: ['run --rm -v DIR:/mnt -v DIR:/mnt IMAGE true'],
      expect: '0',
    },
    { name: '-v to /', steps: ['run --rm -v DIR:/ IMAGE true'], expect: '125 ! bad volume' },
    {
      name: 'VOLUME of the image',
      image: { Volumes: { '/data': {} } },
      steps: [
        `- run --name NAME IMAGE sh -c 'cat /data/seed; echo kept > /data/kept; mount | grep -c " /data "'`,
        '- cp NAME:/data/kept DIR/kept',
        '$ cat kept',
        'diff NAME',
      ],
      expect: ['0 kept', '0'],
    },
    {
      name: '--tmpfs',
      steps: [
        `run --rm --tmpfs /mnt:size=1m,mode=700 IMAGE sh -c 'stat -c %a /mnt; mount | grep " /mnt " | cut -d " " -f 1,3,5; head -c 2000000 /dev/zero > /mnt/x'`,
      ],
      expect: '1 700 ⏎ tmpfs /mnt tmpfs ! head: standard output: I/O error',
    },
    {
      name: '--read-only with --tmpfs and -v',
      steps: [
        `run --rm --read-only --tmpfs /tmp -v /data IMAGE sh -c 'touch /tmp/x /data/x /dev/shm/x && touch /etc/x'`,
      ],
      expect: '1 ! touch: /etc/x: Read-only file system',
    },
  ],
}
