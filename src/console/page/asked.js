import { ask } from "./ask.js";
import { useEffect, useState } from "./preact.js";

/** What is asked for anew whenever the path or one of `when` changes; null asks for nothing. */
export function useAsked(path, ...when) {
  const [got, setGot] = useState({});
  useEffect(() => {
    let isOver = false;
    if (path !== null)
      ask(path).then(
        (value) => !isOver && setGot({ value }),
        (error) => !isOver && setGot({ error }),
      );
    return () => {
      isOver = true;
    };
  }, [path, ...when]);
  return got;
}

export const query = (of) => new URLSearchParams(of).toString();

/** The address of a page of this console. */
export const hrefOf = (...words) => `#/${words.map(encodeURIComponent).join("/")}`;
