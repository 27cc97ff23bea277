import svelte from 'eslint-plugin-svelte';
import ts from 'typescript-eslint';

/** Clocks and chance are parameters: that is what lets a seeded simulation run the same schedule twice. */
const noClocks = {
  'no-restricted-syntax': [
    'error',
    { selector: "MemberExpression[object.name='Date'][property.name='now']", message: 'Take a Clock as a parameter.' },
    { selector: "MemberExpression[object.name='performance'][property.name='now']", message: 'Take a Clock as a parameter.' },
    { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'Take a Clock as a parameter.' },
    { selector: "MemberExpression[object.name='Math'][property.name='random']", message: 'Take Random as a parameter.' },
    { selector: "MemberExpression[property.name='getRandomValues']", message: 'Take Random as a parameter.' },
    { selector: "MemberExpression[property.name='randomUUID']", message: 'Take Random as a parameter.' },
    { selector: 'Identifier[name=/^randombytes/]', message: 'Take Random as a parameter.' },
    { selector: 'MemberExpression[property.name=/_keygen$|(?<!_seed)_keypair$/]', message: 'Make keys from Random, by their seeded twin.' }
  ]
};

export default ts.config(
  { ignores: ['build/', 'dist/', 'data/', '.svelte-kit/', 'src/lib/paraglide/', 'test-results/', 'node_modules/'] },
  ...ts.configs.recommended,
  ...svelte.configs.recommended,
  {
    rules: {
      'no-console': 'error',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'prefer-const': 'error',
      'no-eval': 'error',
      'no-implied-eval': 'error',
      'no-unused-vars': 'off',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'none' }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false }],
      '@typescript-eslint/no-empty-object-type': ['error', { allowInterfaces: 'with-single-extends' }]
    }
  },
  {
    files: ['**/*.ts'],
    languageOptions: {
      parserOptions: {
        project: ['./tsconfig.json', './tsconfig.node.json', './tsconfig.sw.json'],
        tsconfigRootDir: import.meta.dirname,
        extraFileExtensions: ['.svelte']
      }
    },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { attributes: false } }],
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/only-throw-error': 'error'
    }
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser, extraFileExtensions: ['.svelte'] } },
    rules: {
      // the only policy that may write markup is Svelte's own
      'svelte/no-at-html-tags': 'error',
      'prefer-const': 'off',
      'svelte/prefer-const': ['error', { destructuring: 'all' }],
      // a space that the compiler must not swallow is written {' '}
      'svelte/no-useless-mustaches': 'off',
      'svelte/no-navigation-without-resolve': 'off',
      'svelte/prefer-svelte-reactivity': 'off'
    }
  },
  {
    files: ['src/lib/{core,care,sync,group,vault,store,invite}/**/*.ts', 'crypto/**/*.ts', 'relay/**/*.ts'],
    // composition roots: here the real clock and the real chance come in
    ignores: ['src/lib/core/worker.ts', 'crypto/sodium.ts', 'relay/main.ts', 'relay/admin-main.ts', 'relay/backup-main.ts', 'relay/credential-main.ts'],
    rules: noClocks
  },
  {
    files: ['relay/main.ts', 'relay/admin-main.ts', 'relay/backup-main.ts', 'relay/*.mjs', 'tests/*.mjs', 'tests/bench/**', 'tests/vectors/*.mjs', 'tests/**/make*.ts'],
    rules: { 'no-console': 'off' }
  }
);
