import { ask } from "./ask.js";
import { useEffect, useState } from "./preact.js";

/**
 * What is asked for anew whenever the path or one of `when` changes; null asks for nothing.
 * Until a path's answer is there it is nothing, because what another path answered would stand under this one's title.
 */
export function useAsked(path, ...when) {
  const [got, setGot] = useState({});
  useEffect(() => {
    let isOver = false;
    if (path !== null)
      ask(path).then(
        (value) => !isOver && setGot({ path, value }),
        (error) => !isOver && setGot({ path, error }),
      );
    return () => {
      isOver = true;
    };
  }, [path, ...when]);
  return got.path === path ? got : {};
}

export const query = (of) => new URLSearchParams(of).toString();

/** The address of a page of this console. */
export const hrefOf = (...words) => `#/${words.map(encodeURIComponent).join("/")}`;
