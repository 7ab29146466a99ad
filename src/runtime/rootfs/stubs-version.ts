/** Part of the names of what is kept of trees with stubs: another list of them is another name. */
export const stubsVersion = 'stubs1'
