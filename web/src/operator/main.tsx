import { mount } from '../mount.tsx';
import { App } from './app.tsx';

mount(<App />);
