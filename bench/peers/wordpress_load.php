<?php
// Installs WordPress and loads import records: php wordpress_load.php FOLDER_OF_WORDPRESS FILE_OF_RECORDS
// Brands, sections become categories, tags become tags, the first author of an article becomes its author.

[, $root, $records] = $argv;
define('WP_INSTALLING', true);
$_SERVER['HTTP_HOST'] = '127.0.0.1';
require "$root/wp-load.php";
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
if (!is_blog_installed()) {
    wp_install('Bench', 'bench', 'bench@example.com', true, '', 'a-long-passphrase-70');
    wp_delete_post(1, true); // what a new site greets with
}
wp_defer_term_counting(true);
wp_suspend_cache_invalidation(true);
kses_remove_filters();
$ids = [];
foreach (new SplFileObject($records) as $number => $line) {
    $record = json_decode($line, true);
    if (!$record) {
        continue;
    }
    $type = $record['type'];
    $slug = $record['slug'];
    if ($type === 'author') {
        $user = ['user_login' => $slug, 'user_nicename' => $slug, 'display_name' => $record['name'],
            'user_email' => "$slug@example.com", 'user_pass' => 'none', 'role' => 'author'];
        $ids[$type][$slug] = wp_insert_user($user);
    } elseif ($type !== 'article') {
        $term = wp_insert_term($record['name'], $type === 'tag' ? 'post_tag' : 'category', ['slug' => $slug]);
        $ids[$type][$slug] = $term['term_id'];
    } else {
        wp_insert_post([
            'post_name' => $slug,
            'post_title' => $record['headline'],
            'post_excerpt' => $record['standfirst'],
            'post_content' => $record['body_html'],
            'post_status' => 'publish',
            'post_author' => $ids['author'][$record['authors'][0]],
            'post_category' => [$ids['brand'][$record['brand']], $ids['section'][$record['section']]],
            'tags_input' => array_map(fn ($tag) => $ids['tag'][$tag], $record['tags']),
            'post_date_gmt' => gmdate('Y-m-d H:i:s', strtotime($record['published_at'])),
            'post_date' => gmdate('Y-m-d H:i:s', strtotime($record['published_at'])),
            'edit_date' => true,
        ]);
    }
    if ($number % 500 === 0) {
        fwrite(STDERR, "WordPress: $number records\n");
        wp_cache_flush();
    }
}
wp_suspend_cache_invalidation(false);
wp_defer_term_counting(false);
