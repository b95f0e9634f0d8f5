// The types of preact.js, from the packages that it is made of.
export { h, render, Component, createContext } from "preact";
export {
  useState,
  useReducer,
  useEffect,
  useLayoutEffect,
  useRef,
  useImperativeHandle,
  useMemo,
  useCallback,
  useContext,
  useDebugValue,
  useErrorBoundary,
} from "preact/hooks";
export { html } from "htm/preact";
