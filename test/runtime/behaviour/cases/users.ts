import type { Subject } from '../case.js'

export const users: Subject = {
  title: 'Users and groups',
  cases: [
    { name: 'none', steps: ['run --rm IMAGE id'], expect: '?' },
    { name: 'a name', steps: ['run --rm -u app IMAGE id'], expect: '?' },
    { name: 'a number that has a name', steps: ['run --rm -u 1000 IMAGE id'], expect: '?' },
    { name: 'a number that has none', steps: ['run --rm -u 4242 IMAGE id'], expect: '?' },
    { name: 'a name and a group', steps: ['run --rm -u app:audio IMAGE id'], expect: '?' },
    { name: 'two numbers', steps: ['run --rm -u 4242:4343 IMAGE id'], expect: '?' },
    { name: 'a group alone', steps: ['run --rm -u :audio IMAGE id'], expect: '?' },
    { name: 'a user’s name that is a number', steps: ['run --rm -u 1001 IMAGE id'], expect: '?' },
    { name: 'a name that there is not', steps: ['run --rm -u nobody IMAGE id'], expect: '?' },
    { name: 'a group that there is not', steps: ['run --rm -u app:nothing IMAGE id'], expect: '?' },
    { name: 'a number that is too great', steps: ['run --rm -u 4294967296 IMAGE id'], expect: '?' },
    {
      name: '--group-add',
      steps: ['run --rm -u app --group-add audio --group-add 77 IMAGE id'],
      expect: '?',
    },
    { name: 'USER of the image', image: { User: 'app' }, steps: ['run --rm IMAGE id'], expect: '?' },
    {
      name: 'USER of the image, and -u',
      image: { User: 'app' },
      steps: ['run --rm -u 0 IMAGE id'],
      expect: '?',
    },
    { name: 'HOME of a user', steps: [`run --rm -u app IMAGE sh -c 'echo $HOME'`], expect: '?' },
    {
      name: 'HOME of a number that has no name',
      steps: [`run --rm -u 4242 IMAGE sh -c 'echo $HOME'`],
      expect: '?',
    },
    {
      name: 'HOME that is said',
      steps: [`run --rm -u app -e HOME=/tmp IMAGE sh -c 'echo $HOME'`],
      expect: '?',
    },
    {
      name: 'what an ordinary user may',
      steps: [`run --rm -u app IMAGE sh -c 'touch /x; touch /tmp/x && stat -c %U:%G /tmp/x'`],
      expect: '?',
    },
  ],
}
