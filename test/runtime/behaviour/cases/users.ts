import type { Subject } from '../case.js'

export const users: Subject = {
  title: 'Users and groups',
  cases: [
    { name: 'none', steps: ['run --rm IMAGE id'], expect: '0 uid=0(root) gid=0(root) groups=0(root)' },
    {
      name: 'a name',
      steps: ['run --rm -u app IMAGE id'],
      expect: '0 uid=1000(app) gid=1000(app) groups=29(audio),100(users),1000(app)',
    },
    {
      name: 'a number that has none',
      steps: ['run --rm -u 4242 IMAGE id'],
      expect: '0 uid=4242 gid=0(root) groups=0(root)',
    },
    {
      name: 'a name and a group',
      steps: ['run --rm -u app:audio IMAGE id'],
      expect: '0 uid=1000(app) gid=29(audio) groups=29(audio)',
    },
    {
      name: 'a group alone',
      steps: ['run --rm -u :audio IMAGE id'],
      expect: '0 uid=0(root) gid=29(audio) groups=29(audio)',
    },
    {
      name: 'a user’s name that is a number',
      steps: ['run --rm -u 1001 IMAGE id'],
      expect: '0 uid=1001 gid=0(root) groups=0(root)',
    },
    {
      name: 'a name that there is not',
      steps: ['run --rm -u nobody IMAGE id'],
      expect: '125 ! no such user',
    },
    {
      name: 'a group that there is not',
      steps: ['run --rm -u app:nothing IMAGE id'],
      expect: '125 ! no such group',
    },
    {
      name: 'a number that is too great',
      steps: ['run --rm -u 4294967296 IMAGE id'],
      expect: '125 ! user number out of range',
    },
    {
      name: '--group-add',
      steps: ['run --rm -u app --group-add audio --group-add 77 IMAGE id'],
      expect: '0 uid=1000(app) gid=1000(app) groups=29(audio),77,100(users),1000(app)',
    },
    {
      name: 'USER of the image',
      image: { User: 'app' },
      steps: ['run --rm IMAGE id'],
      expect: '0 uid=1000(app) gid=1000(app) groups=29(audio),100(users),1000(app)',
    },
    { name: 'HOME of a user', steps: [`run --rm -u app IMAGE sh -c 'echo $HOME'`], expect: '0 /home/app' },
    {
      name: 'what an ordinary user may',
      steps: [`run --rm -u app IMAGE sh -c 'touch /x; touch /tmp/x && stat -c %U:%G /tmp/x'`],
      expect: '0 app:app ! touch: /x: Permission denied',
    },
  ],
}
