import { mount } from '../mount.tsx';
import { RecoverPage } from './recover-page.tsx';

mount(<RecoverPage />);
