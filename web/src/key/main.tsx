import { mount } from '../mount.tsx';
import { KeyPage } from './key-page.tsx';

mount(<KeyPage />);
