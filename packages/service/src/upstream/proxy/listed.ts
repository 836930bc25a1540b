/** A list, as headers write one, with one more at its end; undefined if there is nothing in it. */
export function listed(list: string | undefined, more: string | undefined): string | undefined {
  if (list === undefined || list === '') return more;
  return more === undefined ? list : `${list}, ${more}`;
}
